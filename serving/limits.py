"""How many requests a key may send: a bucket of tokens that fills evenly."""

from __future__ import annotations

import math
import time

_MINUTE = 60.0


class Limiter:
    """Buckets by name. A bucket holds what may come in one minute."""

    def __init__(self) -> None:
        self._buckets: dict[str, tuple[float, float]] = {}

    def wait(self, name: str, per_minute: int, cost: int = 1) -> int:
        """Take from the bucket; 0, or where it is empty the seconds until there is enough."""
        now = time.monotonic()
        left, at = self._buckets.get(name, (float(per_minute), now))
        left = min(per_minute, left + (now - at) * per_minute / _MINUTE)
        # What costs more than a bucket holds takes the whole of it.
        cost = min(cost, per_minute)
        if left < cost:
            self._buckets[name] = (left, now)
            return math.ceil((cost - left) * _MINUTE / per_minute)
        self._buckets[name] = (left - cost, now)
        return 0
