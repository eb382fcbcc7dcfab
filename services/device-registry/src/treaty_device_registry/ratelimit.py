"""Requests a principal may make, counted in Redis. Redis is no truth of anything: without it all pass."""

from __future__ import annotations

import math
import time

import structlog
from limits import RateLimitItemPerMinute
from limits.aio.storage import RedisStorage
from limits.aio.strategies import SlidingWindowCounterRateLimiter
from limits.errors import StorageError
from prometheus_client import Counter

from treaty_chassis.http.problems import Problem
from treaty_chassis.telemetry import METRICS

__all__ = ["RateLimit"]

log = structlog.get_logger(__name__)
PAUSE_S, TIMEOUT_S = 5.0, 0.25

REFUSED = Counter("treaty_http_rate_limited", "Requests answered 429.", registry=METRICS)
UNCOUNTED = Counter(
    "treaty_http_rate_limit_bypassed", "Requests let through while Redis did not answer.", registry=METRICS
)


class RateLimit:
    """A sliding minute. While Redis does not answer, requests pass uncounted and it is asked again every
    five seconds, so that its absence slows nothing down."""

    def __init__(self, redis_url: str, per_minute: int, name: str = "api") -> None:
        storage = RedisStorage(
            f"async+{redis_url}",
            wrap_exceptions=True,
            implementation="valkey",
            key_prefix="treaty:device-registry:limit",
            socket_timeout=TIMEOUT_S,
            socket_connect_timeout=TIMEOUT_S,
        )
        self._limiter = SlidingWindowCounterRateLimiter(storage)
        self._item = RateLimitItemPerMinute(per_minute)
        self._name = name
        self._paused_until = 0.0

    async def admit(self, who: str) -> None:
        """Counts a request of theirs. Raises a 429 problem with Retry-After where it is one too many."""
        if time.monotonic() < self._paused_until:
            UNCOUNTED.inc()
            return
        try:
            if await self._limiter.hit(self._item, self._name, who):
                return
            window = await self._limiter.get_window_stats(self._item, self._name, who)
        except StorageError as error:
            self._paused_until = time.monotonic() + PAUSE_S
            UNCOUNTED.inc()
            log.warning("redis_unreachable", error=type(error.__cause__ or error).__name__)
            return
        REFUSED.inc()
        wait = max(1, math.ceil(window.reset_time - time.time()))
        detail = f"at most {self._item.amount} requests a minute; try again in {wait} s"
        raise Problem(429, detail, headers={"Retry-After": str(wait)})
