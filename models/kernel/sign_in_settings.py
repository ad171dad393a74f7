"""Settings of signing in elsewhere: our credentials at Google, GitHub and an OpenID issuer."""

from dataclasses import dataclass

from models.kernel.setting_fields import text
from models.kernel.webhook_settings import WebhookSettings


@dataclass(frozen=True, slots=True, kw_only=True)
class SignInSettings(WebhookSettings):
    """What an operator can set of providers. One without a client id is not offered."""

    google_client_id: str = text("GOOGLE_CLIENT_ID")
    """Our client id at Google; empty offers no sign-in there."""
    google_client_secret: str = text("GOOGLE_CLIENT_SECRET")
    """The secret that goes with it."""
    google_issuer_url: str = text("GOOGLE_ISSUER_URL", "https://accounts.google.com")
    """Google's issuer; another one is for tests."""
    github_client_id: str = text("GITHUB_CLIENT_ID")
    """Our client id at GitHub; empty offers no sign-in there."""
    github_client_secret: str = text("GITHUB_CLIENT_SECRET")
    """The secret that goes with it."""
    github_base_url: str = text("GITHUB_BASE_URL", "https://github.com")
    """Where people sign in; that of a GitHub Enterprise Server otherwise."""
    github_api_url: str = text("GITHUB_API_URL", "https://api.github.com")
    """Its API; `https://<host>/api/v3` of a GitHub Enterprise Server."""
    oidc_client_id: str = text("OIDC_CLIENT_ID")
    """Our client id at any other OpenID Connect issuer; empty offers no sign-in there."""
    oidc_client_secret: str = text("OIDC_CLIENT_SECRET")
    """The secret that goes with it."""
    oidc_issuer_url: str = text("OIDC_ISSUER_URL")
    """That issuer, as it spells itself."""
    oidc_title: str = text("OIDC_TITLE", "Single sign-on")
    """What people know it as."""
