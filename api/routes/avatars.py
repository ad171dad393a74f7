"""The routes of avatars."""

from typing import Any

from api.endpoints import PUBLIC, Endpoint
from api.live.avatars import AvatarUploads
from api.live.images import WEBP, Images
from api.parts import Parts
from api.resources.avatars import Avatars
from api.schemas.accounts import AvatarForm, UserSchema
from api.schemas.books import SignedQuery
from models.kernel.errors import (
    Forbidden,
    NotFound,
    PayloadTooLarge,
    RateLimitExceeded,
    UnsupportedMediaType,
)


def avatar_routes(parts: Parts) -> tuple[Endpoint, ...]:
    """Return the endpoints of avatars."""
    uploads = AvatarUploads(
        queue=parts.queue,
        blobs=parts.blobs,
        links=parts.links,
        hop=parts.hop,
        hub=parts.hub,
        clock=parts.clock,
    )
    mine: dict[str, Any] = {
        "path": "/v1/users/me/avatar",
        "permission": "profile:write",
        "tag": "Users",
    }
    return (
        Endpoint(
            method="PUT",
            handler=uploads.on_put,
            summary="Set my avatar",
            description="JPEG, PNG or WebP, 5 MB and 40 megapixels at most. Its middle is drawn"
            " anew as squares of 512 and 96 px; nothing else of the file is kept.",
            form=AvatarForm(),
            answer=UserSchema(),
            errors=(PayloadTooLarge, UnsupportedMediaType, RateLimitExceeded),
            live=True,
            **mine,
        ),
        Endpoint(
            method="DELETE",
            handler=Avatars(parts.blobs).on_delete,
            summary="Take my avatar off",
            status=204,
            errors=(NotFound,),
            **mine,
        ),
        Endpoint(
            method="GET",
            path="/v1/users/{user_id}/avatars/{name}",
            handler=Images(parts.blobs, parts.links, parts.hop).on_get_avatar,
            permission=PUBLIC,
            summary="An avatar",
            description="By a signed address alone.",
            tag="Images",
            query=SignedQuery(),
            media_type=WEBP,
            errors=(NotFound, Forbidden),
            live=True,
        ),
    )
