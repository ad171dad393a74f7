"""Letters about money, each sent once, and who is to have one (B-14, B-17, B-18)."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any, Final
from uuid import UUID

from peewee import CharField, CompositeKey, UUIDField
from playhouse.postgres_ext import DateTimeTZField

from models.kernel.database import Table, database

_SUMMARIES: Final = """
with week as (
    select date_trunc('week', billing_day())::date as monday
), span (every, first, past) as (
    select 'daily', billing_day() - 1, billing_day()
    union all
    select 'weekly', monday - 7, monday from week
    union all
    select 'monthly', (billing_month() - interval '1 month')::date, billing_month()
)
select person.id, every, first, past
from person_preferences wish
join span on every = kept #>> '{notifications,costSummary}'
join person on person.id = wish.person_id and status = 'active'
where not exists (
    select from money_letter
    where money_letter.person_id = person.id and about = every || ':' || first)
limit %s
"""
_EVENTS: Final = """
select person.id, event.id
from event
join account on account.id = event.account_id
left join membership on kind = 'organization' and membership.account_id = account.id
    and membership.role = 'owner'
join person on status = 'active'
    and (membership.user_id = person.id or kind = 'personal' and person.account_id = account.id)
where type in ('budget.alert', 'credits.soft_limit', 'credits.grace_started')
  and event.created_at > now() - interval '2 days'
  and not exists (
      select from money_letter
      where money_letter.person_id = person.id and about = event.id::text)
order by event.created_at limit %s
"""
_ASK: Final = "insert into money_letter (person_id, about) values (%s, %s) on conflict do nothing"
_EVENT: Final = "select account_id, type, data from event where id = %s"
_ALERTS: Final = """
select count(*) from event
where account_id = %s and type = 'budget.alert' and created_at >= %s and created_at < %s
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Due:
    """A summary somebody is to have: `every` day, week or month; `first` to, not in, `past`."""

    person_id: UUID
    every: str
    first: date
    past: date


@dataclass(frozen=True, slots=True, kw_only=True)
class MoneyEvent:
    """Something that happened to an account's money."""

    account_id: UUID
    type: str
    data: Mapping[str, Any]


class MoneyLetter(Table):
    """A letter about money that somebody was to have."""

    person_id = UUIDField()
    about = CharField()
    asked_at = DateTimeTZField()
    sent_at = DateTimeTZField(null=True)

    class Meta:
        """peewee's configuration."""

        primary_key = CompositeKey("person_id", "about")

    @classmethod
    def ask(cls, person_id: UUID, about: str) -> None:
        """Write down that somebody is to have a letter."""
        database.rows(_ASK, (person_id, about))

    @classmethod
    def is_sent(cls, person_id: UUID, about: str) -> bool:
        """Say whether it was sent."""
        mine = (cls.person_id == person_id) & (cls.about == about) & cls.sent_at.is_null(False)
        return bool(cls.select().where(mine).exists())


def summaries_due(limit: int) -> list[Due]:
    """Return summaries of days, weeks and months that are over, of who wishes for them."""
    return [
        Due(person_id=who, every=every, first=first, past=past)
        for who, every, first, past in database.rows(_SUMMARIES, (limit,))
    ]


def events_to_tell(limit: int) -> list[tuple[UUID, UUID]]:
    """Return people and the events of their accounts' money that they were not told of."""
    return [(who, event_id) for who, event_id in database.rows(_EVENTS, (limit,))]


def money_event(event_id: UUID) -> MoneyEvent | None:
    """Return an event, None when it is gone."""
    for account_id, kind, data in database.rows(_EVENT, (event_id,)):
        return MoneyEvent(account_id=account_id, type=kind, data=data)
    return None


def budget_alerts(account_id: UUID, first: date, past: date) -> int:
    """Count how often budgets of an account told of themselves on some days."""
    ((count,),) = database.rows(_ALERTS, (account_id, first, past))
    return int(count)
