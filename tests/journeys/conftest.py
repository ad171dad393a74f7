"""Journeys through the whole gateway."""

from tests.clients.conftest import ilm, running

__all__ = ["ilm", "running"]
