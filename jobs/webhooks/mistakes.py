"""The usual mistakes of who verifies signatures, each looked for by trying it (H-10).

A text of a cause is told to an integrator; none holds a secret.
"""

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from jobs.webhooks.signing import (
    ID,
    MARK,
    SIGNATURE,
    TIMESTAMP,
    Secret,
    own_content,
    own_signature,
    same,
    signed_content,
    standard_signature,
)
from models.webhook_log import Sent

_MISSING: Final = {
    ID: "the header webhook-id is missing: it is the first part of what is signed",
    TIMESTAMP: "the header webhook-timestamp is missing: it is the second part of what is signed",
    SIGNATURE: "the header webhook-signature is missing",
}
_NO_NUMBER: Final = "webhook-timestamp is not a number of seconds"
_NO_VERSION: Final = "a signature of Standard Webhooks begins with v1, or v1a,"
_NO_EVENT: Final = "nothing with this webhook-id was sent to this webhook, or it is forgotten"
_RIGHT: Final = (
    "the signature holds: if yours does not, the key is the bytes that follow whsec_, decoded from"
    " base64"
)
_BODIES: Final[Mapping[str, Callable[[bytes], bytes]]] = {
    "the body has a newline at its end that was not sent": lambda body: body.rstrip(b"\r\n"),
    "a newline at the end of the body is missing": lambda body: body + b"\n",
    "the body has other line ends than were sent": lambda body: body.replace(b"\r\n", b"\n"),
}
_RESERIALISED: Final = (
    "the body was parsed and written anew (keys, spaces or escapes differ): verify the bytes as"
    " they came"
)
_CHANGED: Final = "the body is not the one that was sent"
_OVER: Final = "this was signed with a secret that is over: it was exchanged"
_AS_TEXT: Final = (
    "this was signed with the secret as text: the key is what follows whsec_, decoded from base64"
)
_NO_ID: Final = "what was signed lacks the id: it is webhook-id.webhook-timestamp.body"
_BODY_ALONE: Final = "what was signed is the body alone: it is webhook-id.webhook-timestamp.body"
_UNKNOWN: Final = (
    "no secret of this webhook made this signature: look whether it is another webhook's, or one"
    " from before an exchange"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Claim:
    """A delivery as a receiver has it; `headers` by names in lower case, `keys` the newest first.

    `past` are secrets that are over, `sent` what was really sent of that id.
    """

    headers: Mapping[str, str]
    body: bytes
    keys: Sequence[Secret]
    past: Sequence[Secret]
    own: str
    sent: Sent | None
    is_right: bool


def causes_of(claim: Claim) -> list[str]:
    """Return what is likely wrong, the likeliest first; of what holds, what else may be."""
    if claim.is_right:
        return [_RIGHT]
    found = [*_of_headers(claim), *_of_the_body(claim), *_of_the_signature(claim)]
    return list(dict.fromkeys(found)) or [_UNKNOWN]


def _of_headers(claim: Claim) -> Iterator[str]:
    if claim.own in claim.headers and SIGNATURE not in claim.headers:
        return
    yield from (words for name, words in _MISSING.items() if not claim.headers.get(name))
    moment = claim.headers.get(TIMESTAMP, "")
    if moment and not (moment.isascii() and moment.isdecimal()):
        yield _NO_NUMBER
    given = claim.headers.get(SIGNATURE, "").split()
    if given and not any(each.startswith(("v1,", "v1a,")) for each in given):
        yield _NO_VERSION


def _of_the_body(claim: Claim) -> Iterator[str]:
    """Compare the body with what was sent; without that, try what often befalls one."""
    if claim.sent is None:
        if claim.headers.get(ID):
            yield _NO_EVENT
        for words, mended in _BODIES.items():
            if mended(claim.body) != claim.body and _holds(claim, claim.keys, mended(claim.body)):
                yield words
        return
    sent = claim.sent.body.encode()
    if claim.body == sent:
        return
    alike = [words for words, mended in _BODIES.items() if mended(claim.body) == sent]
    if alike:
        yield alike[0]
    elif _parsed(claim.body) == _parsed(sent) is not None:
        yield _RESERIALISED
    else:
        yield _CHANGED


def _of_the_signature(claim: Claim) -> Iterator[str]:
    if _holds(claim, claim.past, claim.body):
        yield _OVER
    plain = [*claim.keys, *claim.past]
    as_text = [text for each in plain for text in (each.shown, each.shown.removeprefix(MARK))]
    contents = _contents(claim, claim.body)
    if _made(claim, [text.encode() for text in as_text], contents):
        yield _AS_TEXT
    keys = [each.key for each in claim.keys]
    if _is_standard(claim, keys, [own_content(_moment(claim), claim.body)]):
        yield _NO_ID
    if _made(claim, keys, [claim.body]):
        yield _BODY_ALONE


def _holds(claim: Claim, secrets: Sequence[Secret], body: bytes) -> bool:
    return _made(claim, [each.key for each in secrets], _contents(claim, body))


def _made(claim: Claim, keys: Sequence[bytes], contents: Sequence[bytes]) -> bool:
    """Say whether any of these keys made any given signature of any of these contents."""
    ours = claim.headers.get(claim.own, "").replace(" ", "").split(",")
    return _is_standard(claim, keys, contents) or any(
        same(each, f"v1={own_signature(key, content)}")
        for each in ours for key in keys for content in contents
    )  # fmt: skip


def _is_standard(claim: Claim, keys: Sequence[bytes], contents: Sequence[bytes]) -> bool:
    given = claim.headers.get(SIGNATURE, "").split()
    return any(
        same(each, standard_signature(key, content))
        for each in given for key in keys for content in contents
    )  # fmt: skip


def _contents(claim: Claim, body: bytes) -> list[bytes]:
    moment = _moment(claim)
    return [signed_content(claim.headers.get(ID, ""), moment, body), own_content(moment, body)]


def _moment(claim: Claim) -> int:
    told = claim.headers.get(TIMESTAMP) or claim.headers.get(claim.own, "").partition(",")[0]
    digits = told.removeprefix("t=")
    return int(digits) if digits.isascii() and digits.isdecimal() and len(digits) <= 12 else 0


def _parsed(body: bytes) -> Any:
    try:
        return json.loads(body)
    except (ValueError, RecursionError):
        return None
