"""The actors of deliveries that are made again."""

from jobs.webhooks.again import RecoverWebhook, ReplayWebhook, deliver_again
from workers.actors import declare
from workers.tools import Tools


def enlist(tools: Tools) -> None:
    """Declare the actors of replays and recoveries."""
    declare(tools, RecoverWebhook, deliver_again)
    declare(tools, ReplayWebhook, deliver_again)
