"""A minute's requests are counted in Redis; without Redis they pass."""

import uuid

import pytest

from treaty_chassis.http.problems import Problem
from treaty_device_registry import ratelimit
from treaty_device_registry.ratelimit import UNCOUNTED, RateLimit


async def test_one_request_too_many_is_told_when_to_come_again(valkey, patient_limits):
    limit = RateLimit(valkey.url, 3, uuid.uuid4().hex)
    for _ in range(3):
        await limit.admit("ada")
    with pytest.raises(Problem) as problem:
        await limit.admit("ada")
    assert problem.value.status == 429
    assert 1 <= int(problem.value.headers["Retry-After"]) <= 60
    await limit.admit("grace")


async def test_without_redis_requests_pass_and_are_counted_as_uncounted():
    limit = RateLimit("redis://127.0.0.1:1", 1)
    before = UNCOUNTED._value.get()
    for _ in range(50):
        await limit.admit("ada")
    assert UNCOUNTED._value.get() == before + 50


async def test_an_absent_redis_is_asked_once_in_a_pause(monkeypatch):
    monkeypatch.setattr(ratelimit, "PAUSE_S", 3600.0)
    limit, asked = RateLimit("redis://127.0.0.1:1", 1), 0
    hit = limit._limiter.hit

    async def count(*given):
        nonlocal asked
        asked += 1
        return await hit(*given)

    monkeypatch.setattr(limit._limiter, "hit", count)
    for _ in range(50):
        await limit.admit("ada")
    assert asked == 1
