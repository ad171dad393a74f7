"""The moments of examples."""

from datetime import datetime, timedelta
from typing import Final

from api.schemas.wire import EXAMPLE_MOMENT

NOW: Final = datetime.fromisoformat(EXAMPLE_MOMENT)
FINISHED: Final = NOW + timedelta(seconds=2)
TOMORROW: Final = NOW + timedelta(days=1)
