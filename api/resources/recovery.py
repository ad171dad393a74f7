"""Verifying an address, and a forgotten password."""

from falcon.asgi import Request, Response

from api.origins import origin_of
from api.resources.avatars import user_body
from jobs.links import Links
from jobs.recovery import Recovery
from models.kernel.settings import Network


class Proving:
    """What the tokens of our mails do."""

    def __init__(self, recovery: Recovery, links: Links, proxies: tuple[Network, ...]) -> None:
        """Take what recovers, what signs addresses, and the proxies we believe."""
        self._links = links
        self._recovery = recovery
        self._proxies = proxies

    def on_post_verify(self, req: Request, resp: Response) -> None:
        """Note that an address is its owner's."""
        person = self._recovery.verify(req.context.body["token"], origin_of(req, self._proxies))
        resp.media = user_body(person, self._links)

    def on_post_resend(self, req: Request, _resp: Response) -> None:
        """Send what verifies an address again, whoever it is."""
        self._recovery.resend(req.context.body["email"], origin_of(req, self._proxies))

    def on_post_forgot(self, req: Request, _resp: Response) -> None:
        """Send a letter, whoever the address is."""
        self._recovery.forget(req.context.body["email"], origin_of(req, self._proxies))

    def on_post_reset(self, req: Request, _resp: Response) -> None:
        """Change a password and end every login."""
        self._recovery.reset(**req.context.body, origin=origin_of(req, self._proxies))
