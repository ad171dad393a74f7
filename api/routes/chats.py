"""The routes of chats, their messages and answers (M-01 – M-11, M-20 – M-23)."""

from typing import Any, Final

from api.endpoints import EVENT_STREAM, Endpoint
from api.examples.calls import ANSWER, QUESTION, streamed_in_chat
from api.examples.shapes import example_of
from api.live.chats import ChatAnswers
from api.live.wires import CALL_SECONDS
from api.parts import Parts
from api.resources.chats import Chats, Messages
from api.routes.sessions import preference_routes, session_routes
from api.routes.wires import REFUSALS, desk_of
from api.schemas import chats as shapes
from api.schemas.lists import page_of
from jobs.chats.talking import Talking
from models.kernel.errors import Conflict, Invalid, NotFound, ResourceDeleted

GONE: Final = (NotFound, ResourceDeleted)
ANSWERS: Final = (*GONE, Conflict, Invalid, *REFUSALS)
ASKED: Final = {"content": QUESTION}
PARTIAL: Final = {"status": "partial", "finishReason": "cancelled"}
CHAT: Final = "/v1/chats/{chat_id}"
MESSAGE: Final = "/v1/chats/{chat_id}/messages/{msg_id}"

Common = dict[str, Any]


def chat_routes(parts: Parts) -> tuple[Endpoint, ...]:
    """Return the endpoints of chats."""
    talking = Talking(parts.queue, parts.planner, parts.admission)
    answers = ChatAnswers(desk_of(parts), talking, parts.queue, parts.clock)
    chats = Chats(parts.queue, parts.clock)
    return (
        *_chats(chats),
        *_messages(Messages(parts.queue)),
        *_answers(answers),
        *_streams(answers),
        *session_routes(chats, answers),
        *preference_routes(),
    )


def _chats(chats: Chats) -> tuple[Endpoint, ...]:
    common: Common = {"tag": "Chats", "answer": shapes.ChatSchema()}
    change: Common = {
        "path": CHAT,
        "handler": chats.on_patch,
        "permission": "chats:write",
        "summary": "Change a chat",
        "description": "What is not named stays as it is. `headId` shows the branch of a message.",
        "body": shapes.ChatChanges(),
        "errors": (*GONE, Invalid),
        "example": {"title": "Walruses", "archived": True},
    }
    return (
        Endpoint(
            method="POST",
            path="/v1/chats",
            handler=chats.on_post,
            permission="chats:write",
            summary="Begin a chat",
            description="About a book or not; about one, it and its answers need `books:read` too."
            " Without a title it is called after its first message; without a `model`, each answer"
            " goes to the LLM that suits it.",
            body=shapes.NewChat(),
            status=201,
            errors=(*GONE, Conflict, Invalid),
            creates=True,
            example={"title": "Walruses", "tags": ["biology"]},
            shows={"headId": None, "messageCount": 0, "contextTokens": 0, "settings": {}},
            **common,
        ),
        Endpoint(
            method="GET",
            path="/v1/chats",
            handler=chats.on_get,
            permission="chats:read",
            summary="List my chats",
            query=shapes.ChatQuery(),
            tag="Chats",
            answer=page_of(shapes.ChatSchema),
        ),
        Endpoint(
            method="GET",
            path=CHAT,
            handler=chats.on_get_one,
            permission="chats:read",
            summary="Look at a chat and its last messages",
            errors=GONE,
            tag="Chats",
            answer=shapes.ChatWithMessages(),
        ),
        Endpoint(method="PATCH", **change, **common),
        Endpoint(method="PUT", **change, **common),
        Endpoint(
            method="DELETE",
            path=CHAT,
            handler=chats.on_delete,
            permission="chats:write",
            summary="Delete a chat",
            description="It is hidden at once; what is being written in it stops.",
            status=204,
            errors=GONE,
            tag="Chats",
        ),
        Endpoint(
            method="GET",
            path=f"{CHAT}/export",
            handler=chats.on_get_export,
            permission="chats:read",
            summary="Take a chat away",
            description="As JSON with every branch, or as Markdown to read.",
            query=shapes.ExportQuery(),
            errors=GONE,
            tag="Chats",
            answer=shapes.ChatWithMessages(),
        ),
    )


def _messages(messages: Messages) -> tuple[Endpoint, ...]:
    common: Common = {"tag": "Chats", "errors": GONE}
    return (
        Endpoint(
            method="GET",
            path=f"{CHAT}/messages",
            handler=messages.on_get,
            permission="chats:read",
            summary="List the messages of a chat",
            description="Oldest first; those of the branch that is shown, or of all branches.",
            query=shapes.MessagesQuery(),
            answer=page_of(shapes.MessageSchema),
            **common,
        ),
        Endpoint(
            method="GET",
            path=MESSAGE,
            handler=messages.on_get_one,
            permission="chats:read",
            summary="Look at a message",
            answer=shapes.MessageSchema(),
            **common,
        ),
        Endpoint(
            method="DELETE",
            path=MESSAGE,
            handler=messages.on_delete,
            permission="chats:write",
            summary="Delete a message and all that follows it",
            status=204,
            **common,
        ),
        Endpoint(
            method="POST",
            path=f"{MESSAGE}/feedback",
            handler=messages.on_post_feedback,
            permission="chats:write",
            summary="Rate an answer",
            description="1 is up, −1 is down; said again, it replaces what was said before.",
            body=shapes.FeedbackWish(),
            answer=shapes.FeedbackSchema(),
            creates=True,
            example={"rating": 1, "comment": "Well found."},
            **{**common, "errors": (*GONE, Conflict)},
        ),
    )


def _answers(answers: ChatAnswers) -> tuple[Endpoint, ...]:
    common: Common = {
        "permission": "ai:use",
        "tag": "Chats",
        "query": shapes.AnswerQuery(),
        "answer": shapes.MessageSchema(),
        "shows": {"content": ANSWER},
        "errors": ANSWERS,
        "live": True,
        "seconds": int(CALL_SECONDS),
    }
    return (
        Endpoint(
            method="POST",
            path=f"{CHAT}/messages",
            handler=answers.on_post_message,
            summary="Send a message and have the answer",
            description="The answer goes on being written when you hang up. `role: tool` gives the"
            " result of a call; `answer: false` only keeps the message (201).",
            body=shapes.NewMessage(),
            keyed=True,
            example=ASKED,
            streams=streamed_in_chat(),
            **common,
        ),
        Endpoint(
            method="PATCH",
            path=MESSAGE,
            handler=answers.on_patch_message,
            summary="Edit a message",
            description="The new words begin a branch beside the old ones, and are answered there.",
            body=shapes.Edit(),
            keyed=True,
            example=ASKED,
            streams=streamed_in_chat(),
            **common,
        ),
        Endpoint(
            method="POST",
            path=f"{MESSAGE}/regenerate",
            handler=answers.on_post_regenerate,
            summary="Have another answer",
            description="On a branch beside the first one; by another LLM, if you name it.",
            body=shapes.AnswerWish(),
            keyed=True,
            example={"model": "gpt-4o-mini"},
            streams=streamed_in_chat(),
            **common,
        ),
        Endpoint(
            method="POST",
            path=f"{CHAT}/cancel",
            handler=answers.on_post_cancel,
            summary="Stop the answer that is being written",
            description="What there is of it stays, and is what you pay for.",
            **{
                **common,
                "query": None,
                "answer": shapes.CancelledSchema(),
                "shows": {"messages": [example_of(shapes.MessageSchema()) | PARTIAL]},
                "errors": GONE,
            },
        ),
    )


def _streams(answers: ChatAnswers) -> tuple[Endpoint, ...]:
    common: Common = {
        "path": f"{CHAT}/stream",
        "tag": "Chats",
        "media_type": EVENT_STREAM,
        "shows": streamed_in_chat(),
        "errors": ANSWERS,
        "live": True,
        "seconds": int(CALL_SECONDS),
    }
    return (
        Endpoint(
            method="POST",
            handler=answers.on_post_stream,
            permission="ai:use",
            summary="Send a message and have the answer as a stream",
            description="Server-Sent Events: `chunk`, `tokens` and `done`; ignorable are `start`,"
            " `typing`, `citation`, `warning`, `reasoning`, `tool_call`, `snapshot`; `error` ends a"
            " stream. `X-Ilm-Recovery: restart` tells of an answer begun anew in the stream.",
            body=shapes.NewMessage(),
            query=shapes.AnswerQuery(),
            keyed=True,
            example=ASKED,
            **common,
        ),
        Endpoint(
            method="GET",
            handler=answers.on_get_stream,
            permission="chats:read",
            summary="Resume the stream of the last answer",
            description="After `Last-Event-ID`, or `starting_after`; on any instance, also once"
            " the answer is whole.",
            query=shapes.StreamQuery(),
            **common,
        ),
    )
