"""The routes of outside issuers."""

from typing import Any, Final

from api.endpoints import Endpoint
from api.parts import Parts
from api.resources.issuers import Issuers
from api.schemas import issuers as shapes
from api.schemas.lists import page_of
from jobs.issuers.keys import IssuerKeys
from jobs.issuers.trust import Trust
from models.kernel.errors import Conflict, DuplicateResource, NotFound
from models.kernel.http import Egress

ISSUERS: Final = "/v1/admin/issuers"
ISSUER: Final = f"{ISSUERS}/{{issuer_id}}"


def issuer_routes(parts: Parts) -> tuple[Endpoint, ...]:
    """Return the endpoints of outside issuers; they decide who anybody may be."""
    keys = IssuerKeys(Egress(parts.settings.reachable), parts.clock)
    issuers = Issuers(Trust(parts.settings.base_url, keys, parts.clock))
    return (*_many(issuers), *_one(issuers))


def _many(issuers: Issuers) -> tuple[Endpoint, ...]:
    common: dict[str, Any] = {"path": ISSUERS, "permission": "roles:admin", "tag": "Administration"}
    return (
        Endpoint(
            method="GET",
            handler=issuers.on_get,
            summary="List the outside issuers",
            query=shapes.IssuerQuery(),
            answer=page_of(shapes.IssuerSchema),
            **common,
        ),
        Endpoint(
            method="POST",
            handler=issuers.on_post,
            summary="Trust an outside issuer",
            description="Its tokens for these audiences are taken from now on. The keys are read"
            " at once, from `jwksUrl` or from where the issuer says. `provisions`: a verified"
            " e-mail address nobody has makes a user. `links`: one that a user here has verified"
            " too leads to that user. A token gives no role and no tier that is not listed here.",
            body=shapes.IssuerWishSchema(),
            answer=shapes.IssuerSchema(),
            status=201,
            errors=(Conflict, DuplicateResource),
            creates=True,
            example={
                "name": "Our Auth0", "issuerUrl": "https://tenant.eu.auth0.com/",
                "audiences": ["https://api.example.org"], "provisions": True,
            },
            **common,
        ),
    )  # fmt: skip


def _one(issuers: Issuers) -> tuple[Endpoint, ...]:
    common: dict[str, Any] = {
        "path": ISSUER,
        "permission": "roles:admin",
        "tag": "Administration",
        "names": {"issuer_id": "iss"},
        "errors": (NotFound,),
    }
    return (
        Endpoint(
            method="GET",
            handler=issuers.on_get_one,
            summary="Look at an outside issuer",
            answer=shapes.IssuerSchema(),
            **common,
        ),
        Endpoint(
            method="PATCH",
            handler=issuers.on_patch,
            summary="Trust an outside issuer otherwise",
            description="Holds from the next request on; with `status` `off` none of its tokens is"
            " taken. An empty `jwksUrl` has it discovered anew.",
            body=shapes.IssuerChangeSchema(),
            answer=shapes.IssuerSchema(),
            example={"status": "off"},
            **common,
        ),
        Endpoint(
            method="DELETE",
            handler=issuers.on_delete,
            summary="Forget an outside issuer",
            description="And who people were to it. The people stay.",
            status=204,
            **common,
        ),
    )
