"""Books and their pages, and who may see them (K-09)."""

from typing import Any, Final, Self
from uuid import UUID

from peewee import (
    BigIntegerField,
    BlobField,
    CharField,
    CompositeKey,
    DoubleField,
    Expression,
    ForeignKeyField,
    IntegerField,
    ModelSelect,
    TextField,
    UUIDField,
)
from playhouse.postgres_ext import ArrayField, BinaryJSONField, DateTimeTZField

from models.accounts import Person
from models.kernel.database import Table
from models.kernel.errors import Forbidden, NotFound, ResourceDeleted
from models.kernel.ids import new_id

PUBLIC: Final = "public"
STATUSES: Final = ("pending", "processing", "completed", "partial", "failed")
VISIBILITIES: Final = ("public", "private", "friends", "club")


class StoredFile(Table):
    """One stored object, however many books show it. Who else has it is nobody's to know."""

    sha256 = BlobField(primary_key=True)
    size = BigIntegerField()
    key = TextField()
    created_at = DateTimeTZField()


class Book(Table):
    """A book: what its owner says of it, its file, and how far its text and pages are."""

    id = UUIDField(primary_key=True, default=new_id)
    account_id = UUIDField()
    owner_id: UUID
    owner = ForeignKeyField(Person)
    mode = CharField()
    title = TextField()
    author = TextField(null=True)
    description = TextField(null=True)
    category = TextField(null=True)
    language = TextField(null=True)
    isbn = TextField(null=True)
    metadata = BinaryJSONField(default=dict, index=False)
    visibility = CharField()
    format = CharField()
    file_sha256 = BlobField()
    file_name = TextField(default="")
    file_size = BigIntegerField()
    layout = BinaryJSONField(null=True, index=False)
    page_count = IntegerField(null=True)
    text_status = CharField(default="pending")
    pages_status = CharField(default="pending")
    error_code = CharField(null=True)
    error_message = TextField(null=True)
    cover = BinaryJSONField(null=True, index=False)
    custom_cover = BinaryJSONField(null=True, index=False)
    created_at = DateTimeTZField()
    updated_at = DateTimeTZField()
    deleted_at = DateTimeTZField(null=True)

    @classmethod
    def visible_to(cls, account_id: UUID, mode: str) -> "ModelSelect[Self]":
        """Select the books an account may see: its own, and what is public in its mode."""
        return cls.select().where(
            cls.mode == mode, cls.deleted_at.is_null(), cls._seen_by(account_id)
        )

    @classmethod
    def seen_by(cls, account_id: UUID, mode: str, book_id: UUID) -> Self:
        """Return a book this account may see.

        Raises `ResourceDeleted` to whoever could see it before, `NotFound` to everybody else.
        """
        book: Self | None = (
            cls.select()
            .where(cls.id == book_id, cls.mode == mode, cls._seen_by(account_id))
            .first()
        )
        if book is None:
            raise NotFound("there is no such book")
        if book.deleted_at is not None:
            raise ResourceDeleted("this book has been deleted")
        return book

    @classmethod
    def owned_by(cls, account_id: UUID, mode: str, book_id: UUID) -> Self:
        """Return a book this account may change; `Forbidden` if it may only see it."""
        book = cls.seen_by(account_id, mode, book_id)
        if book.account_id != account_id:
            raise Forbidden("this book is somebody else's")
        return book

    @classmethod
    def _seen_by(cls, account_id: UUID) -> Expression:
        return (cls.account_id == account_id) | (cls.visibility == PUBLIC)

    @property
    def shown_cover(self) -> dict[str, Any] | None:
        """The cover readers see: the custom one, else page 1; None when there is none yet."""
        custom: dict[str, Any] | None = self.custom_cover
        return custom or self.cover


class Page(Table):
    """One page: its size in points, and the size in bytes of each tier that exists."""

    book_id: UUID
    book = ForeignKeyField(Book, on_delete="CASCADE")
    number = IntegerField()
    width = DoubleField()
    height = DoubleField()
    sizes = BinaryJSONField(default=dict, index=False)
    clamped = ArrayField(CharField, index=False, default=list)
    failure = TextField(null=True)
    drawn_at = DateTimeTZField(null=True)

    class Meta:
        """peewee's configuration."""

        primary_key = CompositeKey("book", "number")

    @classmethod
    def of(cls, book: Book) -> "ModelSelect[Self]":
        """Select a book's pages in reading order."""
        return cls.select().where(cls.book == book.id).order_by(cls.number)


class PageText(Table):
    """The text of one page, and its words with their boxes, compressed."""

    book_id: UUID
    book = ForeignKeyField(Book, on_delete="CASCADE")
    number = IntegerField()
    content = TextField()
    words = BlobField()

    class Meta:
        """peewee's configuration."""

        primary_key = CompositeKey("book", "number")
