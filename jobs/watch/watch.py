"""The watch: judges the rules, keeps what is wrong, tells when it begins and when it is over.

What is told is a row first, so that a process that is killed forgets nothing: another tells. While
PostgreSQL is away there are no rows, and that is told from memory.
"""

from collections import deque
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Final

from peewee import PeeweeException

from jobs.probes import DATABASE
from jobs.watch.bells import Bell, Notice, rung
from jobs.watch.rules import Readings, Rule, Symptom, rules
from models import alerts
from models.alerts import BEGUN, ENDED, Alert
from models.kernel.clock import Clock
from models.kernel.ids import new_id
from models.kernel.logs import get_logger

ROUND_SECONDS: Final = 30
MOST_AT_ONCE: Final = 20
REPEAT: Final = timedelta(hours=4)
LEASE_SECONDS: Final = 60
KEPT: Final = timedelta(days=90)
OUTAGE: Final = "IlmDependencyDown"

log = get_logger(__name__)


class Watch:
    """What one scheduler does every half minute."""

    def __init__(
        self,
        sense: Callable[[], Readings],
        leads: Callable[[], bool],
        bells: Sequence[Bell],
        clock: Clock,
    ) -> None:
        """Take what is known, whether this process is the one that watches, the bells, the time."""
        self._sense = sense
        self._leads = leads
        self._bells = bells
        self._clock = clock
        self._rules: Mapping[str, Rule] = rules()
        self._past: deque[tuple[float, Readings]] = deque()
        self._dark_since: datetime | None = None
        self._dark_notice: Notice | None = None

    def round(self) -> None:
        """Judge once, and tell what is new."""
        if not self._leads():
            self._past.clear()
            return
        now, at = self._sense(), self._clock.elapsed()
        known = [n for n, rule in self._rules.items() if rule.is_known(now, self._before(rule, at))]
        symptoms = [
            symptom
            for name in known
            for symptom in self._rules[name].symptoms(
                name, now, self._before(self._rules[name], at)
            )
        ]
        self._remember(now, at)
        try:
            self._note(known, symptoms)
            self._tell()
        except PeeweeException:
            self._be_in_the_dark(symptoms)
        else:
            self._see_again()

    def forget(self) -> int:
        """Delete what ended long ago; return how many alerts."""
        return alerts.forget_alerts(self._clock.now() - KEPT)

    def _before(self, rule: Rule, at: float) -> Readings | None:
        """Return the readings from the beginning of a rule's window, or the oldest inside it."""
        inside = (readings for when, readings in self._past if at - when <= rule.within)
        return next(inside, None)

    def _remember(self, now: Readings, at: float) -> None:
        longest = max(rule.within for rule in self._rules.values())
        self._past.append((at, now))
        while at - self._past[0][0] > longest:
            self._past.popleft()

    def _note(self, known: Iterable[str], symptoms: Sequence[Symptom]) -> None:
        for each in symptoms:
            rule = self._rules[each.name]
            alerts.note_seen(each.name, each.subject, rule.severity, each.words, after=rule.after)
        alerts.note_gone(list(known), {(each.name, each.subject) for each in symptoms})

    def _tell(self) -> None:
        claimed = alerts.to_tell(MOST_AT_ONCE, again_after=REPEAT, lease_seconds=LEASE_SECONDS)
        for alert in claimed:
            notice = _notice(alert)
            log.warning("alert", state=notice.state, name=alert.name, subject=alert.subject)
            if rung(self._bells, notice):
                alerts.note_told(alert)

    def _be_in_the_dark(self, symptoms: Iterable[Symptom]) -> None:
        """Tell, once, that PostgreSQL has been away for as long as its rule wants."""
        now = self._clock.now()
        self._dark_since = self._dark_since or now
        rule = self._rules[OUTAGE]
        found = [each for each in symptoms if (each.name, each.subject) == (OUTAGE, DATABASE)]
        is_due = now - self._dark_since >= timedelta(seconds=rule.after)
        if not found or not is_due or self._dark_notice is not None:
            return
        notice = Notice(
            id=new_id(),
            name=OUTAGE,
            subject=DATABASE,
            severity=rule.severity,
            words=found[0].words,
            state=BEGUN,
            since=self._dark_since,
        )
        log.warning("alert", state=BEGUN, name=OUTAGE, subject=DATABASE)
        if rung(self._bells, notice):
            self._dark_notice = notice

    def _see_again(self) -> None:
        """Tell that PostgreSQL is back, if it was told that it was away."""
        if self._dark_notice is not None:
            log.warning("alert", state=ENDED, name=OUTAGE, subject=DATABASE)
            rung(self._bells, replace(self._dark_notice, state=ENDED))
        self._dark_since = self._dark_notice = None


def _notice(alert: Alert) -> Notice:
    return Notice(
        id=alert.id,
        name=alert.name,
        subject=alert.subject,
        severity=alert.severity,
        words=alert.words,
        state=alert.state,
        since=alert.began_at or alert.seen_at,
    )
