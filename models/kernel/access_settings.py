"""Settings of access: tokens, API keys, and where people go whose means are used up."""

from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from models.kernel.setting_fields import brand, count, text
from models.kernel.sign_in_settings import SignInSettings

KEY_BRAND: Final = "ilm"

_MINUTES: Final = 24 * 60 - 1


@dataclass(frozen=True, slots=True, kw_only=True)
class AccessSettings(SignInSettings):
    """What an operator can set of access (A-03, A-07, A-17, B-14)."""

    access_token_minutes: int = count("ILM_ACCESS_TOKEN_MINUTES", 15, 1, _MINUTES)
    """Minutes for which an access token is good, a login's and an app's; always less than a day."""
    session_idle_minutes: int = count("ILM_SESSION_IDLE_MINUTES", 480, 30, 719)
    """How long a login lives without being refreshed (A-07)."""
    session_days: int = count("ILM_SESSION_DAYS", 30, 1, 365)
    """How long a login lives however often it is refreshed."""
    signing_key_days: int = count("ILM_SIGNING_KEY_DAYS", 90, 1, 3650)
    """Days after which a new key signs access tokens; the one before goes a day later (Z-02)."""
    key_brand: str = brand("ILM_KEY_BRAND", KEY_BRAND)
    """What new API keys begin with, 2 to 16 of a-z and 0-9; keys of another brand go on (A-17)."""
    upgrade_url: str = text("ILM_UPGRADE_URL")
    """Where people add credits or raise their tier; every 402 names it. Empty means the page of the
    error, which says how that is done over the API."""

    @property
    def session_idle(self) -> timedelta:
        """How long a login lives without being refreshed (A-07, X-22)."""
        return timedelta(minutes=self.session_idle_minutes)
