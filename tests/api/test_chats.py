"""Chats as records: begun, listed, changed, deleted, taken away; each its owner's alone."""

from typing import Any

import pytest
from falcon.testing import Result

from models.chats import Chat, Message
from models.kernel.ids import parse_id, wire_id
from tests.api.conftest import code
from tests.api.reader import Reader

PATH = "/v1/chats"


def made(reader: Reader, **about: Any) -> dict[str, Any]:
    answer = reader.post(PATH, json=about)
    assert answer.status_code == 201, answer.text
    body: dict[str, Any] = answer.json
    return body


def path_of(chat: dict[str, Any]) -> str:
    return f"{PATH}/{chat['id']}"


def said(reader: Reader, chat: dict[str, Any], *contents: str) -> list[dict[str, Any]]:
    """Keep messages that nobody answers."""
    answers = [
        reader.post(f"{path_of(chat)}/messages", json={"content": content, "answer": False})
        for content in contents
    ]
    assert [answer.status_code for answer in answers] == [201] * len(contents)
    return [answer.json for answer in answers]


def titles(reader: Reader, **query: Any) -> list[str]:
    listed = reader.get(PATH, params=query)
    assert listed.status_code == 200, listed.text
    return [chat["title"] for chat in listed.json["data"]]


def test_a_chat_is_begun_with_what_its_owner_says_of_it(ada: Reader) -> None:
    book = ada.book().rpartition("/")[2]
    about = {
        "title": "Walruses", "bookId": book, "model": "gpt-4o-mini", "systemPrompt": "Be brief.",
        "folder": "sea", "tags": ["a", "b"], "settings": {"temperature": 0.5, "maxTokens": 100},
    }  # fmt: skip

    chat = made(ada, **about)

    assert about.items() <= chat.items()
    assert (chat["archived"], chat["messageCount"], chat["headId"]) == (False, 0, None)
    assert ada.get(path_of(chat)).json == {**chat, "messages": []}


@pytest.mark.parametrize(
    ("about", "field"),
    [
        ({"title": "x" * 201}, "title"),
        ({"model": "no-such-llm"}, "model"),
        ({"tags": ["t"] * 21}, "tags"),
        ({"systemPrompt": " "}, "systemPrompt"),
        ({"settings": {"temperature": 3}}, "settings.temperature"),
        ({"unknown": 1}, "unknown"),
    ],
)
def test_what_cannot_be_is_refused_by_its_name(
    ada: Reader, about: dict[str, Any], field: str
) -> None:
    refused = ada.post(PATH, json=about)

    assert code(refused) == (400, "VALIDATION_ERROR")
    assert refused.json["error"]["details"][0]["field"] == field


@pytest.mark.parametrize("method", ["PUT", "PATCH"])
def test_a_chat_is_renamed_archived_and_sorted_away_by_put_and_patch(
    ada: Reader, method: str
) -> None:
    chat = made(ada, title="Old")

    changed = ada.send(
        method, path_of(chat), json={"title": "New", "archived": True, "folder": "f", "tags": ["t"]}
    ).json

    assert (changed["title"], changed["archived"]) == ("New", True)
    assert (changed["folder"], changed["tags"]) == ("f", ["t"])
    assert titles(ada) == []
    assert titles(ada, archived="true") == ["New"]
    assert not ada.send(method, path_of(chat), json={"archived": False}).json["archived"]


def test_chats_are_listed_by_folder_tag_book_and_words_the_latest_active_first(
    ada: Reader,
) -> None:
    book = ada.book().rpartition("/")[2]
    sea, _, land = (
        made(ada, title="Sea", folder="a", tags=["x"]),
        made(ada, title="Air", folder="b", tags=["y"]),
        made(ada, title="Land", bookId=book),
    )
    said(ada, sea, "Hello")

    assert titles(ada) == ["Sea", "Land", "Air"]
    assert titles(ada, sort="title") == ["Air", "Land", "Sea"]
    assert titles(ada, folder="a,b") == ["Sea", "Air"]
    assert titles(ada, tag="y,z") == ["Air"]
    assert titles(ada, bookId=book) == ["Land"]
    assert titles(ada, search="LAN") == ["Land"]
    assert ada.get(PATH, params={"limit": 2}).json["pagination"] == {
        "page": 1, "limit": 2, "total": 3, "totalPages": 2, "hasMore": True,
    }  # fmt: skip
    assert land["bookId"] == book


def test_the_first_message_names_a_chat_unless_its_owner_did(ada: Reader) -> None:
    nameless, named = made(ada), made(ada, title="Mine")

    for chat in (nameless, named):
        said(ada, chat, "Where does the walrus live? And the seal?", "What else?")

    assert ada.get(path_of(nameless)).json["title"] == "Where does the walrus live?"
    assert ada.get(path_of(named)).json["title"] == "Mine"


def test_messages_are_listed_oldest_first_fifty_a_page(ada: Reader) -> None:
    chat = made(ada)
    said(ada, chat, *(f"message {number}" for number in range(53)))

    first = ada.get(f"{path_of(chat)}/messages").json
    second = ada.get(f"{path_of(chat)}/messages", params={"page": 2}).json

    assert [m["content"] for m in first["data"]] == [f"message {n}" for n in range(50)]
    assert [m["content"] for m in second["data"]] == [f"message {n}" for n in range(50, 53)]
    assert first["pagination"]["limit"] == 50
    assert second["pagination"]["total"] == 53
    assert ada.get(path_of(chat)).json["messageCount"] == 53


def test_a_deleted_message_takes_what_follows_with_it(ada: Reader) -> None:
    chat = made(ada)
    first, second, _ = said(ada, chat, "a", "b", "c")

    deleted = ada.delete(f"{path_of(chat)}/messages/{second['id']}")

    assert deleted.status_code == 204
    body = ada.get(path_of(chat)).json
    assert ([m["content"] for m in body["messages"]], body["messageCount"]) == (["a"], 1)
    assert body["headId"] == first["id"]
    gone = ada.get(f"{path_of(chat)}/messages/{second['id']}")
    assert code(gone) == (404, "NOT_FOUND")


def test_a_deleted_chat_is_gone_at_once_and_says_so_to_its_owner(ada: Reader) -> None:
    chat = made(ada)

    assert ada.delete(path_of(chat)).status_code == 204
    assert code(ada.get(path_of(chat))) == (404, "RESOURCE_DELETED")
    assert titles(ada) == []


def attempts(chat: str, message: str) -> list[tuple[str, str, Any]]:
    one = f"{chat}/messages/{message}"
    return [
        ("GET", chat, None), ("PATCH", chat, {"title": "x"}), ("PUT", chat, {"title": "x"}),
        ("DELETE", chat, None), ("GET", f"{chat}/messages", None), ("GET", one, None),
        ("POST", f"{chat}/messages", {"content": "x"}), ("DELETE", one, None),
        ("POST", f"{chat}/stream", {"content": "x"}), ("GET", f"{chat}/stream", None),
        ("PATCH", one, {"content": "x"}), ("POST", f"{one}/regenerate", {}),
        ("POST", f"{one}/feedback", {"rating": 1}), ("GET", f"{chat}/export", None),
        ("POST", f"{chat}/cancel", None),
    ]  # fmt: skip


def test_nobody_else_can_tell_that_a_chat_is_there(ada: Reader, bob: Reader) -> None:
    chat = made(ada)
    (message,) = said(ada, chat, "secret")
    trial = Reader(ada.browser, ada.person, mode="test")

    for stranger in (bob, trial):
        for method, path, body in attempts(path_of(chat), message["id"]):
            options = {} if body is None else {"json": body}
            answer: Result = stranger.send(method, path, **options)
            assert code(answer) == (404, "NOT_FOUND"), (method, path)
        assert titles(stranger) == []
    assert ada.get(path_of(chat)).json["messageCount"] == 1


def test_an_answer_is_rated_and_rated_again(ada: Reader) -> None:
    chat = made(ada)
    (question,) = said(ada, chat, "Hello")
    answer = written(chat, question, "Hi.")
    path = f"{path_of(chat)}/messages/{wire_id('msg', answer.id)}/feedback"

    up = ada.post(path, json={"rating": 1, "comment": "Good."}).json
    down = ada.post(path, json={"rating": -1}).json

    assert (up["rating"], up["comment"]) == (1, "Good.")
    assert (down["rating"], down["comment"]) == (-1, None)
    assert down["messageId"] == wire_id("msg", answer.id)
    assert code(ada.post(path, json={"rating": 0})) == (400, "VALIDATION_ERROR")
    of_question = f"{path_of(chat)}/messages/{question['id']}/feedback"
    assert code(ada.post(of_question, json={"rating": 1})) == (409, "CONFLICT")


def written(chat: dict[str, Any], question: dict[str, Any], content: str) -> Message:
    """Write an answer as if an LLM had."""
    row: Message = Message.create(
        chat_id=parse_id("chat", chat["id"]), parent_id=parse_id("msg", question["id"]),
        role="assistant", content=content, llm="gpt-4o-mini",
        citations=[{"page": 3, "excerpt": "cold sea"}],
    )  # fmt: skip
    Chat.update(head_id=row.id).where(Chat.id == row.chat_id).execute()
    return row


def test_a_chat_is_taken_away_to_read_or_with_every_branch(ada: Reader) -> None:
    chat = made(ada, title="Über Walrosse!")
    (question,) = said(ada, chat, "Where?")
    written(chat, question, "In the **sea**.")
    said(ada, chat, "Thanks")

    text = ada.get(f"{path_of(chat)}/export", params={"format": "markdown"})
    whole = ada.get(f"{path_of(chat)}/export")

    assert text.headers["content-type"] == "text/markdown; charset=utf-8"
    assert text.headers["content-disposition"] == 'attachment; filename="ber-walrosse.md"'
    assert text.text.startswith("# Über Walrosse!\n")
    assert (
        "## You\n\nWhere?\n\n## Assistant (gpt-4o-mini)\n\nIn the **sea**.\n\n"
        "> cold sea (p. 3)\n\n## You\n\nThanks\n"
    ) in text.text
    assert [m["content"] for m in whole.json["messages"]] == ["Where?", "In the **sea**.", "Thanks"]
    assert code(ada.get(f"{path_of(chat)}/export", params={"format": "pdf"}))[0] == 400


def test_a_key_makes_one_chat_and_keeps_one_message(ada: Reader) -> None:
    headers = {"Idempotency-Key": "begin"}
    first, second = (ada.post(PATH, json={"title": "A"}, headers=headers) for _ in "12")

    assert first.json == second.json
    assert titles(ada) == ["A"]
    path, body = f"{path_of(first.json)}/messages", {"content": "Hi", "answer": False}
    kept = [ada.post(path, json=body, headers={"Idempotency-Key": "say"}) for _ in "12"]
    assert kept[0].json == kept[1].json
    assert ada.get(path_of(first.json)).json["messageCount"] == 1


def test_a_chat_that_is_full_takes_no_more(ada: Reader) -> None:
    chat = made(ada)
    Chat.update(message_count=5_000).where(Chat.id == parse_id("chat", chat["id"])).execute()

    refused = ada.post(f"{path_of(chat)}/messages", json={"content": "x", "answer": False})

    assert code(refused) == (409, "CONFLICT")


def test_preferences_are_kept_and_unknown_llms_refused(ada: Reader) -> None:
    path = "/v1/ai/preferences"
    nothing = dict.fromkeys(("defaultModel", "vendor", "temperature", "maxTokens"))
    usual = {**nothing, "priority": "balanced", "safety": "standard", "cacheAnswers": False}
    wished = {
        "defaultModel": "gpt-4o-mini", "vendor": "anthropic", "temperature": 0.5,
        "maxTokens": 700, "priority": "cost", "safety": "strict", "cacheAnswers": True,
    }  # fmt: skip

    assert ada.get(path).json == usual
    assert ada.send("PUT", path, json=wished).json == wished
    assert ada.get(path).json == wished
    none = [{name: "none"} for name in ("defaultModel", "safety", "vendor")]
    for odd in (*none, {"temperature": 2.1}, {"maxTokens": 0}):
        assert code(ada.send("PUT", path, json=odd)) == (400, "VALIDATION_ERROR")


def test_a_stream_of_a_chat_without_answers_is_not_there(ada: Reader) -> None:
    assert code(ada.get(f"{path_of(made(ada))}/stream")) == (404, "NOT_FOUND")


def test_prompts_are_kept_changed_filled_in_and_forgotten(ada: Reader, bob: Reader) -> None:
    path = "/v1/prompts"
    prompt = ada.post(
        path, json={"title": "Explain", "template": "Explain {{ it }} to {{who}}.", "tags": ["t"]}
    ).json
    one = f"{path}/{prompt['id']}"

    assert prompt["variables"] == ["it", "who"]
    filled = ada.post(f"{one}/render", json={"variables": {"it": "{{who}}", "who": "me"}})
    assert filled.json == {"text": "Explain {{who}} to me."}
    lacking = ada.post(f"{one}/render", json={"variables": {"it": "x", "odd": "y"}})
    assert [d["field"] for d in lacking.json["error"]["details"]] == [
        "variables.who", "variables.odd",
    ]  # fmt: skip
    assert ada.patch(one, json={"template": "Hi {{you}}"}).json["variables"] == ["you"]
    assert [p["id"] for p in ada.get(path, params={"tag": "t"}).json["data"]] == [prompt["id"]]
    assert code(bob.get(one)) == (404, "NOT_FOUND")
    assert bob.get(path).json["data"] == []
    assert ada.delete(one).status_code == 204
    assert code(ada.get(one)) == (404, "NOT_FOUND")
