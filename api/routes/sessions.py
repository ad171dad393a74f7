"""The routes of sessions, which are chats by their earlier name (X-5), and of AI preferences."""

from typing import Any, Final

from api.endpoints import Endpoint
from api.examples.calls import ANSWER, QUESTION
from api.live.chats import ChatAnswers
from api.live.wires import CALL_SECONDS
from api.resources.chats import Chats, Sessions
from api.resources.preferences import Preferences
from api.routes.wires import REFUSALS
from api.schemas import sessions as shapes
from api.schemas.chats import AnswerQuery, ChatQuery
from api.schemas.lists import page_of
from models.kernel.errors import Conflict, Invalid, NotFound, ResourceDeleted

GONE: Final = (NotFound, ResourceDeleted)
ASKED: Final = {"content": QUESTION}
SESSION: Final = "/v1/ai/sessions/{chat_id}"

Common = dict[str, Any]


def session_routes(chats: Chats, answers: ChatAnswers) -> tuple[Endpoint, ...]:
    """Return the endpoints of sessions."""
    sessions = Sessions()
    common: Common = {"tag": "AI sessions"}
    return (
        Endpoint(
            method="POST",
            path="/v1/ai/sessions",
            handler=sessions.on_post,
            permission="chats:write",
            summary="Begin a session",
            description="Sessions are chats, by their earlier name.",
            body=shapes.NewSession(),
            answer=shapes.SessionSchema(),
            status=201,
            errors=(*GONE, Conflict, Invalid),
            creates=True,
            example={"title": "Walruses"},
            shows={"messageCount": 0},
            **common,
        ),
        Endpoint(
            method="GET",
            path="/v1/ai/sessions",
            handler=sessions.on_get,
            permission="chats:read",
            summary="List my sessions",
            query=ChatQuery(),
            answer=page_of(shapes.SessionSchema),
            **common,
        ),
        Endpoint(
            method="GET",
            path=SESSION,
            handler=sessions.on_get_one,
            permission="chats:read",
            summary="Look at a session and its last messages",
            answer=shapes.SessionWithMessages(),
            errors=GONE,
            **common,
        ),
        Endpoint(
            method="DELETE",
            path=SESSION,
            handler=chats.on_delete,
            permission="chats:write",
            summary="Delete a session",
            status=204,
            errors=GONE,
            **common,
        ),
        Endpoint(
            method="POST",
            path=f"{SESSION}/messages",
            handler=answers.on_post_session,
            permission="ai:use",
            summary="Send a message and have the answer",
            body=shapes.SessionMessage(),
            query=AnswerQuery(),
            answer=shapes.SessionReply(),
            errors=(*GONE, Conflict, Invalid, *REFUSALS),
            live=True,
            seconds=int(CALL_SECONDS),
            keyed=True,
            example=ASKED,
            shows={"content": ANSWER},
            **common,
        ),
    )


def preference_routes() -> tuple[Endpoint, ...]:
    """Return the endpoints of what a person prefers of the LLMs."""
    preferences = Preferences()
    common: Common = {
        "path": "/v1/ai/preferences",
        "tag": "AI",
        "answer": shapes.PreferencesSchema(),
    }
    return (
        Endpoint(
            method="GET",
            handler=preferences.on_get,
            permission="profile:read",
            summary="What I prefer of the LLMs",
            **common,
        ),
        Endpoint(
            method="PUT",
            handler=preferences.on_put,
            permission="profile:write",
            summary="Say what I prefer of the LLMs",
            body=shapes.PreferencesSchema(),
            errors=(Invalid,),
            example={"defaultModel": "gpt-4o-mini", "priority": "cost", "cacheAnswers": True},
            **common,
        ),
    )
