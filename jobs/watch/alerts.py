"""Alerts as operators see them, and take them on."""

from uuid import UUID

from models.alerts import Alert
from models.kernel.clock import Clock
from models.kernel.errors import NotFound


def acknowledge(alert_id: UUID, person_id: UUID, clock: Clock) -> Alert:
    """Keep who takes care of an alert, the first of them; it is not repeated any more.

    Raises `NotFound`.
    """
    taken = {"acknowledged_by": person_id, "acknowledged_at": clock.now()}
    free = (Alert.id == alert_id) & Alert.acknowledged_at.is_null()
    Alert.update(**taken).where(free).execute()
    alert = Alert.by_id(alert_id)
    if alert is None:
        raise NotFound("there is no such alert")
    return alert
