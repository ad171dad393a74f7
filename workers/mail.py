"""The actors of letters."""

from jobs.invitations import SendInvitation, Tokens, send_invitation
from jobs.mail import SendLetter, send_letter
from jobs.money_letters import SendNotice, SendSummary, send_notice, send_summary
from jobs.post_offices import open_office
from jobs.proofs import Proofs
from jobs.webhooks.letters import SendWebhookLetter, send_webhook_letter
from models.kernel.secrets import open_secrets
from workers.actors import declare
from workers.tools import Tools


def enlist(tools: Tools) -> None:
    """Declare the actors of letters."""
    settings, clock = tools.settings, tools.clock
    secrets = open_secrets(settings)
    proofs, tokens = Proofs(secrets, clock), Tokens(secrets)
    office = open_office(settings, clock)

    declare(
        tools,
        SendLetter,
        lambda job, run: send_letter(job, office, proofs, settings.base_url, run),
    )
    declare(tools, SendSummary, lambda job, run: send_summary(job, office, settings.base_url, run))
    declare(tools, SendNotice, lambda job, run: send_notice(job, office, settings.base_url, run))
    declare(
        tools,
        SendInvitation,
        lambda job, run: send_invitation(job, office, tokens, settings.base_url, run),
    )
    declare(
        tools,
        SendWebhookLetter,
        lambda job, run: send_webhook_letter(job, office, settings.base_url, run),
    )
