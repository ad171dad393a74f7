"""An issuer on loopback: publishes keys, signs tokens, and misbehaves as it is told."""

import json
from collections.abc import Callable, Mapping
from http.server import BaseHTTPRequestHandler
from time import time
from typing import Any, Final

from joserfc import jwt
from joserfc.jwk import ECKey, OKPKey, RSAKey

from tests.fakes.loopback import Loopback

AUDIENCE: Final = "https://ilm.example/api"
DISCOVERY: Final = "/.well-known/openid-configuration"
KEYS: Final = "/keys"

Key = RSAKey | ECKey | OKPKey
Script = Callable[["Answering"], None]

RSA_PAIRS: Final = tuple(RSAKey.generate_key(2048) for _ in range(2))
"""Made once: pairs of keys take their time."""


class FakeIssuer(Loopback):
    """Discovery at its usual place, keys at `/keys`; `asked` are the paths that were called."""

    def __init__(self) -> None:
        super().__init__(Answering)
        self.asked: list[str] = []
        self.pages: dict[str, Any] = {}
        self.script: Script | None = None
        self.keys: dict[str, tuple[Key, str]] = {"first": (RSA_PAIRS[0], "RS256")}
        self.publish()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"

    def publish(self) -> None:
        """Put what it has on its pages."""
        self.pages[DISCOVERY] = {"issuer": self.url, "jwks_uri": f"{self.url}{KEYS}"}
        self.pages[KEYS] = {
            "keys": [
                {**key.as_dict(private=False), "kid": kid, "use": "sig"}
                for kid, (key, _) in self.keys.items()
            ]
        }

    def rotate(self, kid: str, key: Key | None = None, algorithm: str = "RS256") -> None:
        """Sign with another key from now on, and publish that one alone."""
        self.keys = {kid: (key or RSA_PAIRS[1], algorithm)}
        self.publish()

    def posted(self, _body: str, _authorization: str) -> dict[str, Any] | None:
        """Return the answer to what is posted; None refuses it."""
        return None

    def fetches(self, path: str = KEYS) -> int:
        return self.asked.count(path)

    def claims(self, **own: Any) -> dict[str, Any]:
        """Return the claims of somebody with a verified address; None takes one away."""
        now = int(time())
        usual = {
            "iss": self.url,
            "aud": AUDIENCE,
            "sub": "somebody",
            "iat": now,
            "exp": now + 600,
            "email": "somebody@example.org",
            "email_verified": True,
            "name": "Some Body",
        }
        return {name: value for name, value in {**usual, **own}.items() if value is not None}

    def token(self, header: Mapping[str, Any] | None = None, **own: Any) -> str:
        """Sign a token with the newest key; `header` is beside the usual."""
        kid, (key, algorithm) = list(self.keys.items())[-1]
        # `header` may name another kid than that of the key it is signed with
        parts = {"alg": algorithm, "kid": kid, "typ": "JWT", **(header or {})}
        return jwt.encode(parts, self.claims(**own), key, algorithms=[parts["alg"]])


class Answering(BaseHTTPRequestHandler):
    """One request at the issuer."""

    server: FakeIssuer

    def do_GET(self) -> None:
        """Answer by the script, or with a page."""
        self.server.asked.append(self.path)
        if self.server.script:
            self.server.script(self)
        elif self.path in self.server.pages:
            self.say(200, json.dumps(self.server.pages[self.path]).encode())
        else:
            self.say(404, b"{}")

    def do_POST(self) -> None:
        """Answer to what is posted."""
        self.server.asked.append(self.path)
        body = self.rfile.read(int(self.headers["Content-Length"])).decode()
        told = self.server.posted(body, self.headers.get("Authorization", ""))
        self.say(400 if told is None else 200, json.dumps(told or {"error": "no"}).encode())

    def say(self, status: int, body: bytes = b"", **headers: str) -> None:
        """Send a whole answer."""
        self.send_response(status)
        for name, value in {"Content-Length": str(len(body)), **headers}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        pass


def is_away(answering: Answering) -> None:
    answering.say(500)


def is_slow(answering: Answering) -> None:
    """Say nothing until the test is over."""
    answering.server.over.wait(60)


def is_huge(answering: Answering) -> None:
    answering.say(200, b'{"keys": [' + b" " * 2**20 + b"]}")


def redirects(answering: Answering) -> None:
    answering.say(302, Location=f"{answering.server.url}/elsewhere")


def talks_nonsense(answering: Answering) -> None:
    answering.say(200, b"[" * 50_000)
