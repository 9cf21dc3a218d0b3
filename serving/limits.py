"""How many requests a key may send: a bucket of tokens that fills evenly."""

from __future__ import annotations

import math
import threading
import time
from collections.abc import Callable

_MINUTE = 60.0


class Limiter:
    """Buckets by name. A bucket holds what may come in one minute. Threads may share it."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._buckets: dict[str, tuple[float, float]] = {}

    def wait(self, name: str, per_minute: int) -> int:
        """Take one; returns 0, or where the bucket is empty the seconds until there is one."""
        with self._lock:
            now = self._clock()
            left, at = self._buckets.get(name, (float(per_minute), now))
            left = min(per_minute, left + (now - at) * per_minute / _MINUTE)
            taken = left >= 1
            self._buckets[name] = (left - taken, now)
        return 0 if taken else math.ceil((1 - left) * _MINUTE / per_minute)
