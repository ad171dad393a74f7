"""The routes of apps, and of what was granted to them."""

from typing import Any, Final

from api.endpoints import LOGGED_IN, Endpoint
from api.parts import Parts
from api.resources.oauth_apps import MyApps, MyGrants
from api.schemas import oauth as shapes
from api.schemas.lists import page_of
from jobs.oauth.apps import Apps
from models.kernel.errors import Conflict, NotFound

APPS: Final = "/v1/oauth/apps"
APP: Final = f"{APPS}/{{app_id}}"


def oauth_app_routes(parts: Parts) -> tuple[Endpoint, ...]:
    """Return the endpoints of apps and grants; all want a login."""
    mine = MyApps(Apps(parts.clock))
    return (*_many(mine), *_one(mine), *_grants(MyGrants(parts.clock)))


def _many(mine: MyApps) -> tuple[Endpoint, ...]:
    common: dict[str, Any] = {"path": APPS, "permission": LOGGED_IN, "tag": "OAuth apps"}
    return (
        Endpoint(
            method="POST",
            handler=mine.on_post,
            summary="Register an app",
            description="The secret is shown only in this answer. Redirect URIs are https, or http"
            " on the person's own machine, and are compared character by character.",
            body=shapes.AppWishSchema(),
            answer=shapes.NewAppSchema(),
            status=201,
            errors=(Conflict,),
            creates=True,
            example={
                "name": "A reader", "redirectUris": ["https://reader.example/back"],
                "scopes": ["openid", "books:read"],
            },
            **common,
        ),
        Endpoint(
            method="GET",
            handler=mine.on_get,
            summary="List my apps",
            query=shapes.AppQuery(),
            answer=page_of(shapes.AppSchema),
            **common,
        ),
    )  # fmt: skip


def _one(mine: MyApps) -> tuple[Endpoint, ...]:
    common: dict[str, Any] = {"permission": LOGGED_IN, "tag": "OAuth apps"}
    return (
        Endpoint(
            method="GET",
            path=APP,
            handler=mine.on_get_one,
            summary="Look at an app",
            answer=shapes.AppSchema(),
            errors=(NotFound,),
            **common,
        ),
        Endpoint(
            method="PATCH",
            path=APP,
            handler=mine.on_patch,
            summary="Change an app",
            description="A scope it loses opens nothing any more, at once.",
            body=shapes.AppChangeSchema(),
            answer=shapes.AppSchema(),
            errors=(NotFound,),
            example={"name": "Another reader"},
            **common,
        ),
        Endpoint(
            method="DELETE",
            path=APP,
            handler=mine.on_delete,
            summary="Delete an app",
            description="What people granted it ends, and every token of it, at once.",
            status=204,
            errors=(NotFound,),
            **common,
        ),
        Endpoint(
            method="POST",
            path=f"{APP}/rotate-secret",
            handler=mine.on_post_rotate,
            summary="Give an app another secret",
            description="The old one ends at once. The new one is shown only in this answer.",
            answer=shapes.NewAppSchema(),
            errors=(NotFound, Conflict),
            **common,
        ),
    )


def _grants(mine: MyGrants) -> tuple[Endpoint, ...]:
    common: dict[str, Any] = {"permission": LOGGED_IN, "tag": "OAuth grants"}
    return (
        Endpoint(
            method="GET",
            path="/v1/oauth/grants",
            handler=mine.on_get,
            summary="List what I granted to apps",
            query=shapes.GrantQuery(),
            answer=page_of(shapes.GrantSchema),
            **common,
        ),
        Endpoint(
            method="DELETE",
            path="/v1/oauth/grants/{grant_id}",
            handler=mine.on_delete,
            summary="End what I granted to an app",
            description="Its tokens end at once.",
            status=204,
            errors=(NotFound,),
            **common,
        ),
    )
