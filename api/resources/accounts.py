"""Registering, logging in, and the keys that sign access tokens."""

from typing import Final

from falcon.asgi import Request, Response

from api.schemas.accounts import TokenSchema, UserSchema
from jobs.accounts import NewPerson, login, present, register, rename
from jobs.tokens import SECONDS, Tokens
from models.kernel.clock import Clock

_USER: Final = UserSchema()
_TOKEN: Final = TokenSchema()
JWKS_CACHE: Final = "public, max-age=300"


class Registrations:
    """People who are new here."""

    def __init__(self, clock: Clock) -> None:
        """Take the time."""
        self._clock = clock

    def on_post(self, req: Request, resp: Response) -> None:
        """Make a user and an account of their own."""
        person = register(NewPerson(**req.context.body), self._clock)
        resp.media = _USER.dump(person)


class Logins:
    """Access tokens for e-mail and password."""

    def __init__(self, tokens: Tokens, clock: Clock) -> None:
        """Take what issues tokens, and the time."""
        self._tokens = tokens
        self._clock = clock

    def on_post(self, req: Request, resp: Response) -> None:
        """Check the password and issue a token."""
        body = req.context.body
        person = login(body["email"], body["password"], self._clock)
        token = {"access_token": self._tokens.issue(person), "expires_in": SECONDS}
        resp.media = _TOKEN.dump({**token, "token_type": "Bearer"})


class SigningKeys:
    """The public halves of the keys that sign access tokens."""

    def __init__(self, tokens: Tokens) -> None:
        """Take what knows them."""
        self._tokens = tokens

    def on_get(self, _req: Request, resp: Response) -> None:
        """Answer the JWK set."""
        resp.media = self._tokens.published()
        resp.set_header("Cache-Control", JWKS_CACHE)


class Me:
    """Who calls."""

    def __init__(self, clock: Clock) -> None:
        """Take the time."""
        self._clock = clock

    def on_get(self, req: Request, resp: Response) -> None:
        """Answer the caller's own profile."""
        resp.media = _USER.dump(present(req.context.principal.user_id))

    def on_patch(self, req: Request, resp: Response) -> None:
        """Change what the caller is called."""
        person = rename(req.context.principal.user_id, req.context.body["name"], self._clock)
        resp.media = _USER.dump(person)
