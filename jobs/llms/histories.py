"""Histories: the messages that a response goes on from (`previous_response_id`)."""

from jobs.llms.ask import Answer
from jobs.llms.provider import Message, is_silent
from jobs.wires.responses_input import messages_of, reply_of
from models.jobs import JobRow


def history_of(row: JobRow) -> list[Message]:
    """Return all that was said up to the end of a response; instructions are not inherited.

    A response without words or calls, which thought alone or was stopped at once, is left out.
    """
    asked = messages_of(row.input["body"])
    said = (*row.input["earlier"], *asked, reply_of(Answer.of(row)))
    return [message for message in said if not is_silent(message)]
