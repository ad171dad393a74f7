"""Callers' own keys, as requests bring them (Y-01): read where they are used, refused elsewhere."""

from typing import Final

from falcon.asgi import Request

from jobs.llms.own_keys import OwnKey
from models.kernel.errors import Detail, Invalid

OWN_KEY: Final = "X-Ilm-Provider-Key"
OWN_VENDOR: Final = "X-Ilm-Provider"


def own_key_of(req: Request) -> OwnKey | None:
    """Return the key of the caller's own that a request brings; raise `Invalid` for an odd one."""
    secret = req.get_header(OWN_KEY)
    if secret is None:
        return None
    vendor = req.get_header(OWN_VENDOR)
    return OwnKey(secret=secret, vendor=vendor and vendor.strip().lower())


def refuse_own_key(req: Request) -> None:
    """Raise `Invalid` for a key where the house would use, and charge for, its own."""
    if req.get_header(OWN_KEY) is not None:
        words = f"{OWN_KEY} is not taken here: send it with a call on a wire or in a chat."
        raise Invalid(words, details=[Detail(OWN_KEY, words)])
