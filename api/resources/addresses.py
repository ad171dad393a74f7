"""Rules on addresses, for whoever administers the system (A-25)."""

from collections.abc import Sequence
from typing import Final
from uuid import UUID

from falcon.asgi import Request, Response

from api.callers import caller_of
from api.resources.people import actor_of
from api.schemas.addresses import IpRuleSchema
from api.schemas.lists import page_of
from jobs.addresses import Addresses, drop_rule, make_rule
from models.addresses import IpRule
from models.kernel.clock import Clock
from models.kernel.settings import Network
from models.listings import Listing

_ONE: Final = IpRuleSchema()


class IpRules:
    """From where requests may come."""

    def __init__(self, addresses: Addresses, proxies: Sequence[Network], clock: Clock) -> None:
        """Take the rules as this process knows them, our proxies, and the time."""
        self._addresses = addresses
        self._proxies = proxies
        self._clock = clock

    def on_get(self, req: Request, resp: Response) -> None:
        """List the rules, newest first."""
        listing = Listing.of(IpRule.newest_first(), **req.context.query)
        resp.media = page_of(IpRuleSchema).dump(listing)

    def on_post(self, req: Request, resp: Response) -> None:
        """Make a rule; here it holds at once."""
        address = caller_of(req, self._proxies).address
        resp.media = _ONE.dump(make_rule(req.context.body, address, actor_of(req), self._clock))
        self._addresses.refresh()

    def on_delete(self, req: Request, _resp: Response, rule_id: UUID) -> None:
        """Delete a rule; here it ends at once."""
        address = caller_of(req, self._proxies).address
        drop_rule(rule_id, address, actor_of(req), self._clock)
        self._addresses.refresh()
