"""The routes of statements (B-12)."""

from typing import Any, Final

from api.endpoints import PDF, Endpoint
from api.parts import Parts
from api.resources.statements import Statements
from api.schemas.lists import PageQuery, page_of
from api.schemas.statements import StatementHeadSchema, StatementSchema
from models.kernel.errors import Conflict, NotFound, RateLimitExceeded

TAG: Final = "Billing"
PATH: Final = "/v1/billing/statements"


def statement_routes(parts: Parts) -> tuple[Endpoint, ...]:
    """Return the endpoints of statements."""
    statements = Statements(parts.queue)
    common: dict[str, Any] = {"method": "GET", "permission": "billing:read", "tag": TAG}
    return (
        Endpoint(
            path=PATH,
            handler=statements.on_get,
            summary="My statements",
            description="One a month, kept for ever.",
            query=PageQuery(),
            answer=page_of(StatementHeadSchema),
            **common,
        ),
        Endpoint(
            path=f"{PATH}/{{period}}",
            handler=statements.on_get_one,
            summary="The statement of a month",
            description="`period` is a month, such as `2026-11`. Work is of the month in which it"
            " was accepted, whenever it ends.",
            answer=StatementSchema(),
            errors=(NotFound,),
            **common,
        ),
        Endpoint(
            path=f"{PATH}/{{period}}.pdf",
            handler=statements.on_get_paper,
            summary="The statement of a month as a PDF",
            description="Of a month that is over for good. It is set when it is asked for: until"
            " then the answer is 202 with the job that does so.",
            media_type=PDF,
            also=(202,),
            errors=(NotFound, Conflict, RateLimitExceeded),
            **common,
        ),
    )
