"""Alerts: what the watch has found to be wrong, since when, and who was told (I-08)."""

from collections.abc import Collection, Sequence
from datetime import datetime, timedelta
from typing import Final, Self
from uuid import UUID

from peewee import CharField, ModelSelect, TextField, UUIDField
from playhouse.postgres_ext import DateTimeTZField

from models.kernel.database import Table, database
from models.kernel.ids import new_id

BEGUN: Final = "begun"
ENDED: Final = "ended"

_SEEN: Final = """
insert into alert (id, name, subject, severity, words, began_at)
values (%s, %s, %s, %s, %s, case when %s = 0 then now() end)
on conflict (name, subject) where ended_at is null do update
set last_at = now(), words = excluded.words,
    began_at = coalesce(alert.began_at,
        case when now() - alert.seen_at >= make_interval(secs => %s) then now() end)
"""
_PASSED: Final = """
delete from alert
where ended_at is null and began_at is null and name = any(%s) and id <> all(%s::uuid[])
"""
_OVER: Final = """
update alert set ended_at = now()
where ended_at is null and began_at is not null and name = any(%s) and id <> all(%s::uuid[])
"""
_STILL: Final = "select id::text from alert where ended_at is null and (name, subject) in %s"
_CLAIM: Final = """
update alert set telling_until = now() + make_interval(secs => %s)
where id = any(array(
    select id from alert
    where began_at is not null and (telling_until is null or telling_until < now())
      and (told = '' or (told = 'begun' and ended_at is not null)
           or (told = 'begun' and acknowledged_at is null and told_at < now() - %s::interval))
    order by began_at limit %s for update skip locked
))
returning id::text
"""
_TOLD: Final = """
update alert set told = %s, told_at = now(), telling_until = null where id = %s
"""


class Alert(Table):
    """Something that was wrong of a subject. `began_at` is empty while it is only suspected."""

    id = UUIDField(primary_key=True, default=new_id)
    name = CharField()
    subject = CharField()
    severity = CharField()
    words = TextField()
    seen_at = DateTimeTZField()
    last_at = DateTimeTZField()
    began_at = DateTimeTZField(null=True)
    ended_at = DateTimeTZField(null=True)
    told = CharField(default="")
    told_at = DateTimeTZField(null=True)
    telling_until = DateTimeTZField(null=True)
    acknowledged_by = UUIDField(null=True)
    acknowledged_at = DateTimeTZField(null=True)

    @property
    def state(self) -> str:
        """Whether it goes on."""
        return ENDED if self.ended_at else BEGUN

    @classmethod
    def listed(cls, states: Sequence[str]) -> "ModelSelect[Self]":
        """Select the alerts in these states, the newest first; what is only suspected is none."""
        wanted = cls.began_at.is_null(False)
        if BEGUN not in states:
            wanted &= cls.ended_at.is_null(False)
        if ENDED not in states:
            wanted &= cls.ended_at.is_null()
        return cls.select().where(wanted).order_by(cls.began_at.desc(), cls.id)

    @classmethod
    def by_id(cls, alert_id: UUID) -> Self | None:
        """Return one alert that has begun."""
        return cls.get_or_none((cls.id == alert_id) & cls.began_at.is_null(False))


def note_seen(name: str, subject: str, severity: str, words: str, *, after: int) -> None:
    """Keep that something is so; it is an alert once it has been for `after` seconds."""
    database.rows(_SEEN, (new_id(), name, subject, severity, words, after, after))


def note_gone(known: Collection[str], still: Collection[tuple[str, str]]) -> None:
    """End the alerts of these rules, by name, but of what is still so: (name, subject)."""
    ids = [row[0] for row in database.rows(_STILL, (tuple(still),))] if still else []
    for statement in (_PASSED, _OVER):
        database.rows(statement, (list(known), ids))


def to_tell(most: int, *, again_after: timedelta, lease_seconds: int) -> list[Alert]:
    """Claim alerts whose begin or end nobody was told of, or that go on for long unacknowledged."""
    rows = database.rows(_CLAIM, (lease_seconds, again_after, most))
    ids = [UUID(row[0]) for row in rows]
    return list(Alert.select().where(Alert.id.in_(ids)).order_by(Alert.began_at)) if ids else []


def note_told(alert: Alert) -> None:
    """Keep that people know of an alert as it was when it was claimed."""
    database.rows(_TOLD, (alert.state, str(alert.id)))


def forget_alerts(before: datetime) -> int:
    """Delete the alerts that ended before a moment; return how many."""
    return int(Alert.delete().where(Alert.ended_at < before).execute())
