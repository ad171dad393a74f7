"""Factories of outside issuers, and of who people are to them."""

from typing import Any

from models.accounts import Person
from models.issuers import Identity, Issuer
from models.kernel.ids import wire_id
from models.sign_ins import SignIn
from tests.login_factories import LATER, NOW, digest
from tests.making import made, numbers, person


def issuer(**given: Any) -> Issuer:
    """An issuer that is trusted, whose keys nobody has read."""
    url = f"https://issuer{next(numbers)}.example"
    usual = {
        "name": "An issuer",
        "url": url,
        "audiences": ["ilm-api"],
        "algorithms": ["RS256"],
        "jwks_url": f"{url}/keys",
        "fetch_after": NOW,
        "created_at": NOW,
        "updated_at": NOW,
    }
    return made(Issuer, {**usual, **given})


def identity(of: Person | None = None, **given: Any) -> Identity:
    """Who somebody is to an issuer that made them."""
    who = of or person()
    source = given.pop("issuer", None) or issuer()
    usual = {
        "account": who.account_id,
        "user": who.id,
        "issuer": source.id,
        "source": wire_id("iss", source.id),
        "subject": f"subject{next(numbers)}",
        "email": who.email,
        "is_provisioned": True,
        "created_at": NOW,
    }
    return made(Identity, {**usual, **given})


def sign_in(of: Person | None = None, **given: Any) -> SignIn:
    """Somebody on the way back from a provider, with a code nobody knows."""
    who = of or person()
    usual = {
        "account": who.account_id,
        "user": who.id,
        "state_digest": digest(),
        "code_digest": digest(),
        "challenge": "x" * 43,
        "created_at": NOW,
        "expires_at": LATER,
    }
    return made(SignIn, {**usual, **given})
