"""Where it can be compiled it is, and what it leaves to Python it says so."""

from __future__ import annotations

import shutil
from importlib import import_module, reload
from typing import Any
from unittest.mock import patch

from hypothesis import given
from hypothesis import strategies as st

import treaty_hotpath

NAMES = st.text(max_size=20)
HEADERS = st.lists(st.tuples(NAMES, st.none() | st.binary(max_size=40)), max_size=8)


def test_a_machine_with_cargo_has_it_compiled() -> None:
    assert treaty_hotpath.COMPILED or shutil.which("cargo") is None


def test_without_the_compiled_module_everything_is_left_to_python() -> None:
    nothing = import_module("treaty_hotpath.nothing")
    try:
        with patch.dict("sys.modules", {"treaty_hotpath._native": None}):
            reload(treaty_hotpath)
            assert not treaty_hotpath.COMPILED
            assert treaty_hotpath.read(b"{}", [], "x") is None
            assert treaty_hotpath.record_bytes(None, None, []) is None
            assert nothing.ReadingWriter({}, {}, b"", 0, 0).write() is None
    finally:
        reload(treaty_hotpath)


@given(st.none() | st.binary(max_size=40), st.none() | st.binary(max_size=40), HEADERS)
def test_a_record_is_as_large_as_its_parts_and_what_surrounds_them(
    key: bytes | None, value: bytes | None, headers: list[tuple[str, bytes | None]]
) -> None:
    told = len(key or b"") + len(value or b"")
    told += sum(10 + len(name) + len(content or b"") for name, content in headers)
    expected = 128 + told if treaty_hotpath.COMPILED else None
    assert treaty_hotpath.record_bytes(key, value, headers) == expected
    assert treaty_hotpath.record_bytes(key, value, tuple(headers)) == expected


def test_headers_of_another_shape_are_left_to_python() -> None:
    odd: list[Any] = [[("n", "text")], [("n",)], [(b"n", b"")], ["n"], 7]
    assert [treaty_hotpath.record_bytes(None, None, headers) for headers in odd] == [None] * len(odd)
