"""GitHub, which speaks OAuth 2.0 and tells by its API who somebody is (A-16)."""

from typing import Any
from urllib.parse import urlencode

from jobs.issuers.newcomers import Outsider, Source, email_of, name_of
from jobs.social.exchanging import asked, challenge_of, exchanged
from jobs.social.provider import Client, Trip, source_of
from models.kernel.clock import Clock
from models.kernel.errors import Unauthorized
from models.kernel.http import Egress


class GithubProvider:
    """GitHub, or a GitHub Enterprise Server."""

    def __init__(self, client: Client, api_url: str, egress: Egress, clock: Clock) -> None:
        """Take who we are there, where its API is, what calls out, and the time."""
        self.client = client
        self._api = api_url.rstrip("/")
        self._egress = egress
        self._clock = clock

    @property
    def source(self) -> Source:
        """Whose word it is."""
        return source_of(self.client)

    def address(self, trip: Trip) -> str:
        """Return where to send somebody."""
        wanted = {
            "client_id": self.client.client_id,
            "redirect_uri": trip.redirect_uri,
            "scope": "read:user user:email",
            "state": trip.state,
            "code_challenge": challenge_of(trip.verifier),
            "code_challenge_method": "S256",
        }
        return f"{self.client.url.rstrip('/')}/login/oauth/authorize?{urlencode(wanted)}"

    def whom(self, code: str, _issuer: str, trip: Trip) -> Outsider:
        """Return who came back; the address of mail is the primary one, if GitHub verified it."""
        form = {
            "client_id": self.client.client_id,
            "client_secret": self.client.secret,
            "code": code,
            "redirect_uri": trip.redirect_uri,
            "code_verifier": trip.verifier,
        }
        url = f"{self.client.url.rstrip('/')}/login/oauth/access_token"
        token = exchanged(self._egress, url, form, {}).get("access_token")
        if not isinstance(token, str) or not token.isprintable():
            raise Unauthorized
        user = asked(self._egress, f"{self._api}/user", token)
        if not isinstance(user, dict) or type(user.get("id")) is not int:
            raise Unauthorized
        return Outsider(
            subject=str(user["id"]),
            issued_at=self._clock.now(),
            email=_primary(asked(self._egress, f"{self._api}/user/emails", token)),
            name=name_of(user.get("name") or user.get("login")),
        )


def _primary(emails: Any) -> str:
    """Return the primary address, empty unless it is verified."""
    for each in emails if isinstance(emails, list) else ():
        if isinstance(each, dict) and each.get("primary") is True and each.get("verified") is True:
            return email_of(each.get("email"))
    return ""
