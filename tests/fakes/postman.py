"""A postman who keeps the letters."""

from collections.abc import Iterable
from uuid import UUID

from jobs.postman import Postman
from models.engine import Ready


class FakePostman(Postman):
    """Keeps what it is given, and sends nothing."""

    def __init__(self) -> None:
        self.letters: list[Ready] = []

    def post(self, ready: Iterable[Ready]) -> None:
        self.letters.extend(ready)

    def stop(self) -> None:
        pass

    @property
    def posted(self) -> list[UUID]:
        """The ids of the jobs rung for, in order."""
        return [letter.id for letter in self.letters]
