"""The actor that answers in chats."""

from jobs.chats.answer import AnswerChat, Means, answer_chat
from jobs.llms.own_keys import EntrustedKeys
from jobs.safety.screen import SafetyService
from models.kernel.cache import open_cache
from models.kernel.keybox import open_key_box
from workers.actors import declare
from workers.llm import llms_of
from workers.tools import Tools


def enlist(tools: Tools) -> None:
    """Declare the actor, with the vendors this installation has."""
    settings = tools.settings
    keys = EntrustedKeys(open_cache(settings), open_key_box(settings))
    means = Means(llms=llms_of(tools), keys=keys, safety=SafetyService())

    declare(tools, AnswerChat, lambda job, run: answer_chat(job, means, run))
