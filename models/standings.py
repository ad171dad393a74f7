"""Standings: which of many credentials still hold, asked in one statement (A-06).

For connections that outlive the request which opened them. What one request asks of one credential
is in `models/accounts.py`, `models/oauth.py` and `models/organizations.py`, and says the same.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from models.kernel.database import database

SESSION: Final = "session"
API_KEY: Final = "api_key"
OAUTH: Final = "oauth"

_HOLDING: Final = """
select held.number
from unnest(%(kinds)s::text[], %(ids)s::uuid[], %(people)s::uuid[], %(places)s::uuid[])
    with ordinality as held (kind, id, person_id, place_id, number)
join person on person.id = held.person_id and person.status = 'active'
where case held.kind
    when 'session' then exists (
        select from login_session
        where id = held.id and ended_at is null and expires_at > %(now)s
            and rotated_at > %(refreshed)s)
    when 'api_key' then exists (
        select from api_key
        where id = held.id and revoked_at is null
            and (expires_at is null or expires_at > %(now)s))
    when 'oauth' then exists (
        select from oauth_authorization made
        left join oauth_grant given on given.id = made.grant_id
        where made.id = held.id and made.ended_at is null and given.ended_at is null
            and made.expires_at > %(now)s)
    else true
end
and (held.place_id is null or exists (
    select from membership
    join organization on organization.id = membership.account_id and deleted_at is null
    where membership.account_id = held.place_id and membership.user_id = held.person_id))
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Held:
    """A credential somebody holds: by which row, and the organization they act for with it.

    Without an `id`, as of another issuer's token, it holds as long as its person does.
    """

    kind: str
    id: UUID | None
    person_id: UUID
    organization_id: UUID | None = None


def holding(held: Sequence[Held], idle: timedelta, now: datetime) -> set[Held]:
    """Return those of some credentials that hold; a login as long as it is not `idle`."""
    asked = {
        "kinds": [each.kind for each in held],
        "ids": [_text(each.id) for each in held],
        "people": [_text(each.person_id) for each in held],
        "places": [_text(each.organization_id) for each in held],
        "now": now,
        "refreshed": now - idle,
    }
    return {held[number - 1] for (number,) in database.rows(_HOLDING, asked)}


def _text(value: UUID | None) -> str | None:
    return None if value is None else str(value)
