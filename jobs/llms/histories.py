"""Histories: the messages that a response goes on from (`previous_response_id`)."""

from jobs.llms.ask import Answer
from jobs.llms.provider import Message
from jobs.wires.responses_input import messages_of, reply_of
from models.jobs import JobRow


def history_of(row: JobRow) -> list[Message]:
    """Return all that was said up to the end of a response; instructions are not inherited."""
    return [*row.input["earlier"], *messages_of(row.input["body"]), reply_of(Answer.of(row))]
