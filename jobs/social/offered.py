"""Which providers are offered: those an operator has credentials for."""

from collections.abc import Iterator, Mapping

from jobs.social.github import GithubProvider
from jobs.social.openid import OpenIdProvider
from jobs.social.provider import Client, Provider
from models.kernel.clock import Clock
from models.kernel.http import Egress
from models.kernel.settings import Settings


def providers_of(settings: Settings, clock: Clock) -> Mapping[str, Provider]:
    """Return the providers by their names, in the order they are listed."""
    egress = Egress(settings.reachable)
    found: list[Provider] = [
        OpenIdProvider(client, egress, clock)
        for client in _openid(settings)
        if client.client_id and client.url
    ]
    if settings.github_client_id:
        client = Client(
            name="github",
            title="GitHub",
            url=settings.github_base_url,
            client_id=settings.github_client_id,
            secret=settings.github_client_secret,
        )
        found.append(GithubProvider(client, settings.github_api_url, egress, clock))
    return {each.client.name: each for each in found}


def _openid(settings: Settings) -> Iterator[Client]:
    yield Client(
        name="google",
        title="Google",
        url=settings.google_issuer_url,
        client_id=settings.google_client_id,
        secret=settings.google_client_secret,
    )
    yield Client(
        name="oidc",
        title=settings.oidc_title,
        url=settings.oidc_issuer_url,
        client_id=settings.oidc_client_id,
        secret=settings.oidc_client_secret,
    )
