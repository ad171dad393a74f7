"""The lead: of several schedulers one watches, and another takes over when it is gone."""

from typing import Final

import redis

from models.kernel.cache import Script
from models.kernel.ids import new_id

KEY: Final = "watch:lead"
SECONDS: Final = 75
"""How long a lead holds that is not kept up: two rounds and some."""

_LEAD: Final = """
local leader = redis.call('GET', KEYS[1])
if leader and leader ~= ARGV[1] then return 0 end
redis.call('SET', KEYS[1], ARGV[1], 'EX', ARGV[2])
return 1
"""


class Lead:
    """Says whether this process is the one; without Redis everybody is."""

    def __init__(self, cache: redis.Redis) -> None:
        """Take where it is kept."""
        self._name = new_id().hex
        self._ask = Script(cache, _LEAD)

    def is_ours(self) -> bool:
        """Take or keep the lead, unless another has it."""
        try:
            return bool(self._ask(KEY, [self._name, SECONDS]))
        except redis.RedisError:
            return True
