"""Settings of webhooks: when deliveries are tried again, and how long each may take."""

from dataclasses import dataclass

from models.kernel.payment_settings import PaymentSettings
from models.kernel.setting_fields import count, pauses, text


@dataclass(frozen=True, slots=True, kw_only=True)
class WebhookSettings(PaymentSettings):
    """What an operator can set of webhooks (H-05, X-8)."""

    webhook_schedule: tuple[float, ...] = pauses(
        "ILM_WEBHOOK_SCHEDULE", "5,300,1800,7200,18000,36000,50400,72000,86400"
    )
    """Seconds before each further attempt, the first before the second; ± 20 % by chance. The
    default is that of Standard Webhooks, 75 hours in all."""
    webhook_timeout: int = count("ILM_WEBHOOK_TIMEOUT", 15, 1, 30)
    """Seconds in which an endpoint has to answer, connecting included."""
    webhook_threads: int = count("ILM_WEBHOOK_THREADS", 64, 1, 256)
    """Requests that a worker has under way at once."""
    webhook_signature_header: str = text("ILM_WEBHOOK_SIGNATURE_HEADER", "X-ILM-Signature")
    """The header of our own signature, beside those of Standard Webhooks."""
