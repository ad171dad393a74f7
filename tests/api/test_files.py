"""Files in OpenAI's shape, by OpenAI's own client and by hand (K-12, XC-02)."""

from collections.abc import Iterator
from typing import Any

import openai
import pytest

from tests.gateway import Gateway

WORDS = b'{"custom_id": "a"}\n' * 3


@pytest.fixture
def client(ilm: Gateway) -> Iterator[openai.OpenAI]:
    with ilm.openai(max_retries=0) as made:
        yield made


def kept(client: openai.OpenAI, content: bytes = WORDS, **how: Any) -> Any:
    given = {"file": ("lines.jsonl", content), "purpose": "batch", **how}
    return client.files.create(**given)


def test_a_file_comes_back_as_it_went(client: openai.OpenAI) -> None:
    made = kept(client)

    assert (made.object, made.bytes, made.filename) == ("file", len(WORDS), "lines.jsonl")
    assert made.id.startswith("file_")
    assert client.files.retrieve(made.id) == made
    assert client.files.content(made.id).read() == WORDS


def test_files_are_listed_newest_first_and_page_by_page(client: openai.OpenAI) -> None:
    made = [kept(client, purpose="user_data").id for _ in range(5)]
    other = kept(client).id

    assert [f.id for f in client.files.list(limit=2)] == [other, *made[::-1]]
    assert [f.id for f in client.files.list(purpose="user_data", order="asc", limit=2)] == made
    assert client.files.list(purpose="user_data", limit=5).has_more is False


def test_a_deleted_file_is_gone_with_what_it_held(client: openai.OpenAI) -> None:
    made = kept(client)

    assert client.files.delete(made.id).deleted is True
    for look in (client.files.retrieve, client.files.content, client.files.delete):
        with pytest.raises(openai.NotFoundError):
            look(made.id)


def test_nobody_sees_anothers_file(client: openai.OpenAI, ilm: Gateway) -> None:
    made = kept(client)
    ilm.newcomer("stranger@example.org")

    with ilm.openai(max_retries=0) as stranger:
        for look in (stranger.files.retrieve, stranger.files.content, stranger.files.delete):
            with pytest.raises(openai.NotFoundError):
                look(made.id)
        assert list(stranger.files.list()) == []


@pytest.mark.parametrize(
    ("given", "param"),
    [
        ({"purpose": "world-domination"}, "purpose"),
        ({"file": ("empty.jsonl", b"")}, "file"),
    ],
    ids=["odd purpose", "empty"],
)
def test_what_is_wrong_with_an_upload_is_named(
    client: openai.OpenAI, given: dict[str, Any], param: str
) -> None:
    with pytest.raises(openai.BadRequestError) as refused:
        kept(client, **given)

    assert refused.value.param == param
    assert list(client.files.list()) == []


def test_the_same_key_keeps_one_file(client: openai.OpenAI) -> None:
    made = [kept(client, extra_headers={"Idempotency-Key": "once"}).id for _ in range(3)]

    assert len(set(made)) == 1
    assert len(list(client.files.list())) == 1
    with pytest.raises(openai.ConflictError):
        kept(client, b"other words", extra_headers={"Idempotency-Key": "once"})


def test_a_file_is_not_shown_as_a_page(client: openai.OpenAI, ilm: Gateway) -> None:
    made = kept(client, b"<script>alert(1)</script>", purpose="user_data")

    answer = ilm.get(f"/v1/files/{made.id}/content")

    assert answer.headers["Content-Type"] == "application/octet-stream"
    assert answer.headers["Content-Disposition"] == "attachment"
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
