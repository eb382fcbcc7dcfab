"""A package runs in a child and only values come back."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from treaty_sandbox import (
    ChildRefusedError,
    Failed,
    Limits,
    Ok,
    ReadingValues,
    Run,
    Template,
    decoding_target,
    run,
)

RECEIVED_AT = 1_700_000_000_123
PATIENT = Limits(message_deadline=1_000, batch_deadline=20_000)
"""The successor of a child that was ended has a tenth of a core's weight on a busy machine."""
PackageMaker = Callable[..., Path]
Decode = Callable[..., Run[Any]]


def message(payload: bytes) -> tuple[Any, ...]:
    return (payload, 1, "acme/one", "application/octet-stream", RECEIVED_AT)


@pytest.fixture
def decode(template: Template, package: PackageMaker) -> Decode:
    """decode(source, payload, ...): runs the decoder of that source over the payloads."""

    def decode(source: str, *payloads: bytes, limits: Limits | None = None, **modules: str) -> Run[Any]:
        target = decoding_target(package(decoder=source, **modules), "decoder:decode", ["Odd"])
        given = limits or PATIENT
        return run(template, target, [message(p) for p in payloads], list[ReadingValues], limits=given)

    return decode


ECHO = """
from treaty import Reading
def decode(uplink):
    text = uplink.payload.decode()
    return [Reading({"size": len(text)}, {"text": text}, None, uplink.received_at)]
"""

BEHAVIOURS = """
import os, sys, time
from treaty import Reading, DecodeError
class Odd(Exception): pass
class Loud(Exception):
    def __str__(self): raise SystemExit
def decode(uplink):
    match uplink.payload:
        case b"declared": raise DecodeError("no such frame")
        case b"named": raise Odd("listed in the contract")
        case b"undeclared": raise KeyError("x")
        case b"loud": raise Loud
        case b"leave": sys.exit(0)
        case b"die": os._exit(7)
        case b"spin":
            while True: pass
        case b"none": return None
        case b"number": return 5
        case b"boolean measurement": return [Reading({"a": True})]
        case b"bytes property": return [Reading({}, {"a": b"x"})]
        case b"object": return [Reading({"a": object()})]
        case b"naive time":
            import datetime
            return [Reading({}, {}, None, datetime.datetime(2024, 1, 1))]
        case b"deep":
            nested = []
            for _ in range(100_000): nested = [nested]
            return [Reading({}, {"a": nested})]
        case b"huge": return [Reading({}, {"a": "x" * 300_000})]
        case b"memory": bytearray(1 << 40)
        case b"recursion": return decode(uplink)
    return [Reading({"a": 1.0})]
"""


def test_values_come_back_by_index(decode: Decode) -> None:
    replies = decode(ECHO, b"a", b"", b"ccc").replies
    assert [reply.value for reply in replies] == [
        [ReadingValues({"size": float(len(text))}, {"text": text}, None, RECEIVED_AT)]
        for text in ("a", "", "ccc")
    ]


def test_relative_imports_reach_the_package_and_a_planted_bytecode_cache_is_not_run(
    decode: Decode, package: PackageMaker
) -> None:
    root = package()
    (root / "__pycache__").mkdir()
    (root / "__pycache__" / "tables.cpython-311.pyc").write_bytes(b"not code")
    source = """
        from treaty import Reading
        from .tables import SCALE
        def decode(uplink): return [Reading({"a": SCALE})]
    """
    assert decode(source, b"", tables="SCALE = 2.5\n").replies == [
        Ok([ReadingValues({"a": 2.5}, {}, None, None)])
    ]


@pytest.mark.parametrize(
    ("payload", "kind", "detail"),
    [
        (b"declared", "decode_error", "DecodeError: no such frame"),
        (b"named", "decode_error", "Odd: listed in the contract"),
        (b"undeclared", "undeclared_error", "KeyError: 'x'"),
        (b"loud", "undeclared_error", "Loud"),
        (b"leave", "undeclared_error", "SystemExit: 0"),
        (b"recursion", "undeclared_error", "RecursionError"),
        (b"memory", "undeclared_error", "MemoryError"),
        (b"die", "child_crashed", "exited with 7"),
        (b"spin", "deadline_exceeded", "took longer than it may"),
        (b"none", "malformed_output", "expected a list of treaty.Reading, got NoneType"),
        (b"number", "malformed_output", "got int"),
        (b"boolean measurement", "malformed_output", "Expected `float`, got `bool`"),
        (b"bytes property", "malformed_output", "got `bytes`"),
        (b"object", "malformed_output", "object"),
        (b"naive time", "malformed_output", "time zone"),
        (b"deep", "malformed_output", "recursion"),
        (b"huge", "output_too_large", "at most 262144"),
    ],
    ids=lambda value: value.decode() if isinstance(value, bytes) else "",
)
def test_the_guilty_message_alone_fails_with_its_reason(
    decode: Decode, payload: bytes, kind: str, detail: str
) -> None:
    good = Ok([ReadingValues({"a": 1.0}, {}, None, None)])
    before, guilty, after = decode(BEHAVIOURS, b"fine", payload, b"fine").replies
    assert (before, after) == (good, good)
    assert isinstance(guilty, Failed)
    assert guilty.kind == kind
    assert detail in guilty.detail


def test_several_guilty_messages_are_each_found(decode: Decode) -> None:
    payloads = [b"fine", b"die", b"fine", b"spin", b"fine", b"die"]
    found = decode(BEHAVIOURS, *payloads)
    kinds = [reply.kind if isinstance(reply, Failed) else "ok" for reply in found.replies]
    assert kinds == ["ok", "child_crashed", "ok", "deadline_exceeded", "ok", "child_crashed"]


@pytest.mark.parametrize(
    ("source", "kind"),
    [
        ("import nowhere", "ModuleNotFoundError"),
        ("1/0", "ZeroDivisionError"),
        ("def other(): pass", "AttributeError"),
        ("def", "SyntaxError"),
        ("raise SystemExit", "SystemExit"),
    ],
)
def test_a_package_that_does_not_load_is_refused_with_its_exception(
    decode: Decode, source: str, kind: str
) -> None:
    with pytest.raises(ChildRefusedError) as refused:
        decode(source, b"")
    assert (refused.value.stage, refused.value.kind) == ("load", kind)


@pytest.mark.parametrize(
    ("source", "kind", "deadline"),
    [
        ("while True: pass", "deadline_exceeded", 300),
        ("import os; os._exit(0)", "child_crashed", 60_000),
    ],
)
def test_a_package_that_hangs_or_dies_while_loading_is_refused(
    decode: Decode, source: str, kind: str, deadline: int
) -> None:
    with pytest.raises(ChildRefusedError) as refused:
        decode(source, b"", limits=Limits(start_deadline=deadline))
    assert (refused.value.stage, refused.value.kind) == ("process", kind)


def test_a_package_in_memory_runs_without_a_directory(template: Template) -> None:
    files = {
        "inner/decoder.py": b"from .. import tables as near\nimport tables\nimport pkgutil\n"
        b"from treaty import Reading\n"
        b"def decode(uplink): return [Reading({}, {'same': tables is near, 'data': DATA})]\n"
        b"DATA = pkgutil.get_data('treaty_plugin.inner', 'text').decode()",
        "tables.py": b"",
        "inner/text": b"hello",
    }
    target = decoding_target(files, "inner.decoder:decode")
    [reply] = run(template, target, [message(b"")], list[ReadingValues]).replies
    assert reply == Ok([ReadingValues({}, {"same": True, "data": "hello"}, None, None)])


def test_many_slow_but_honest_messages_pass_though_the_batch_deadline_cuts_them(decode: Decode) -> None:
    source = (
        "import time\nfrom treaty import Reading\ndef decode(uplink):\n    time.sleep(0.05)\n    return []\n"
    )
    found = decode(source, *[b""] * 8, limits=Limits(message_deadline=1000, batch_deadline=200))
    assert found.replies == [Ok([])] * 8
    assert found.restarts >= 1


def test_the_templates_death_costs_no_message(package: PackageMaker) -> None:
    template = Template()
    try:
        target = decoding_target(package(decoder=ECHO), "decoder:decode")
        assert run(template, target, [message(b"a")], list[ReadingValues]).restarts == 0
        assert template._process is not None
        os.kill(template._process.pid, signal.SIGKILL)
        again = run(template, target, [message(b"b")], list[ReadingValues])
        assert isinstance(again.replies[0], Ok)
    finally:
        template.close()


HONEST = """
import array, base64, binascii, bisect, calendar, collections, configparser, contextlib, copy, csv
import dataclasses, datetime, decimal, difflib, enum, fractions, functools, hashlib, heapq, hmac
import html, io, ipaddress, itertools, json, locale, logging, math, numbers, operator, pprint, queue
import random, re, secrets, statistics, string, struct, tempfile, textwrap, time, traceback, typing
import unicodedata, urllib.parse, uuid, warnings, xml.etree.ElementTree, zlib, zoneinfo
from treaty import Reading
def decode(uplink):
    logging.getLogger("plugin").warning("seen")
    values = {
        "decimal": float(decimal.Decimal("1.1") * 2),
        "zlib": len(zlib.decompress(zlib.compress(b"x" * 10))),
        "random": random.Random(1).randrange(10) * 0.0,
        "statistics": statistics.fmean([1.0, 2.0]),
        "monotonic": min(time.monotonic(), 1.0),
    }
    properties = {
        "sha256": hashlib.sha256(b"").hexdigest()[:4],
        "hmac": hmac.new(b"k", b"m", "sha256").hexdigest()[:4],
        "json": json.dumps({"a": 1}),
        "xml": xml.etree.ElementTree.fromstring("<a>b</a>").text,
        "token": len(secrets.token_bytes(4)),
        "locale": locale.format_string("%d", 1),
    }
    return [Reading(values, properties)]
"""


def test_an_honest_decoder_finds_the_standard_library_at_work(decode: Decode) -> None:
    [reply] = decode(HONEST, b"").replies
    assert isinstance(reply, Ok), reply
    assert reply.value[0].measurements == {
        "decimal": 2.2, "zlib": 10.0, "random": 0.0, "statistics": 1.5, "monotonic": 1.0
    }  # fmt: skip
    assert reply.value[0].properties["sha256"] == "e3b0"
