"""Avatars: any picture becomes two squares of ours, drawn anew (A-32).

What a camera wrote into the file beside the picture, a place among it, is not in them.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import ClassVar, Final, Protocol
from uuid import UUID

from jobs.job import Job
from jobs.run import Effect, Outcome, Run
from models.accounts import Person
from models.kernel.blobs import Blobs
from models.kernel.errors import Cancelled, NotFound

LARGE: Final = 512
SMALL: Final = 96
SIZES: Final = (LARGE, SMALL)
"""Pixels from side to side."""

_SET: Final = "update person set avatar = %s, updated_at = now() where id = %s"


class Portraitist(Protocol):
    """What draws avatars."""

    def avatar(self, image: Path, outs: Mapping[int, Path]) -> None:
        """Write the middle of a JPEG, PNG or WebP picture as square WebPs, by their pixels.

        Raises `UnsupportedMediaType` for anything else, `DocumentTooLarge` for too many pixels.
        """
        ...


@dataclass(frozen=True, slots=True)
class SetAvatar(Job):
    """Make an uploaded picture somebody's avatar. `digest` is the picture's hash."""

    name: ClassVar[str] = "person.avatar"
    queue: ClassVar[str] = "default"

    person_id: UUID
    upload_key: str
    digest: str

    @property
    def subject(self) -> UUID:
        """The person."""
        return self.person_id


def set_avatar(
    job: SetAvatar, portraitist: Portraitist, blobs: Blobs, workroom: Path, run: Run
) -> Outcome:
    """Keep the picture in both sizes, and show it from now on."""
    person = Person.by_id(job.person_id)
    if person is None or not person.is_active:
        raise Cancelled("this user has left")
    with TemporaryDirectory(dir=workroom, prefix="avatar-") as folder:
        picture = Path(folder) / "picture"
        drawn = {size: Path(folder) / f"{size}.webp" for size in SIZES}
        blobs.fetch(job.upload_key, picture)
        portraitist.avatar(picture, drawn)
        run.check()
        for size, path in drawn.items():
            blobs.put_file(avatar_key(person.id, job.digest, size), path)
    return Outcome({}, effects=[Effect(_SET, (job.digest, person.id))])


def take_off(person_id: UUID, blobs: Blobs) -> None:
    """Show no avatar any more; raise `NotFound` when there is none."""
    shown = (Person.id == person_id) & Person.avatar.is_null(False)
    if not Person.update(avatar=None).where(shown).execute():
        raise NotFound("you have no avatar")
    blobs.delete_under(f"{_folder(person_id)}")


def drop(person_id: UUID, digest: str, blobs: Blobs) -> None:
    """Forget an avatar that is not shown any more."""
    blobs.delete(*(avatar_key(person_id, digest, size) for size in SIZES))


def avatar_key(person_id: UUID, digest: str, size: int) -> str:
    """Return where an avatar is kept."""
    return f"{_folder(person_id)}/{digest}/{size}.webp"


def _folder(person_id: UUID) -> str:
    return f"people/{person_id.hex}/avatar"
