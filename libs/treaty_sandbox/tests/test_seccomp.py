"""The filter, run by an interpreter of classic BPF, for both architectures."""

from __future__ import annotations

import errno
import os
import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from treaty_sandbox.confinement.bpf import assemble
from treaty_sandbox.confinement.seccomp import ALLOWED, KILLED, prepare, program
from treaty_sandbox.confinement.syscalls import ARCHITECTURES, Architecture

PID = 4242
KILL, ERRNO, ALLOW = 0x80000000, 0x00050000, 0x7FFF0000
DENIED = ERRNO | errno.EPERM
architectures = pytest.mark.parametrize("architecture", ARCHITECTURES.values(), ids=lambda a: a.name)


def judge(architecture: Architecture, number: int, *arguments: int, audit: int | None = None) -> int:
    """What the kernel would do: interprets the assembled filter over struct seccomp_data."""
    code = assemble(program(architecture, PID))
    padded = [*arguments, *[0] * (6 - len(arguments))]
    data = struct.pack("<IIQ6Q", number, audit or architecture.audit, 0, *padded)
    accumulator, at = 0, 0
    while True:
        operation, yes, no, operand = struct.unpack_from("=HBBI", code, at * 8)
        at += 1
        if operation == 0x20:
            (accumulator,) = struct.unpack_from("<I", data, operand)
        elif operation == 0x06:
            return operand
        else:
            holds = {0x15: accumulator == operand, 0x35: accumulator >= operand, 0x45: accumulator & operand}
            at += yes if holds[operation] else no


def call(architecture: Architecture, name: str, *arguments: int) -> int:
    return judge(architecture, architecture.numbers[name], *arguments)


@architectures
def test_what_is_on_the_lists_is_allowed_or_killed(architecture: Architecture) -> None:
    numbers = architecture.numbers
    assert {judge(architecture, numbers[name]) for name in ALLOWED if name in numbers} == {ALLOW}
    assert {judge(architecture, numbers[name]) for name in KILLED if name in numbers} == {KILL}


@architectures
@given(number=st.integers(0, 0x3FFFFFFF), arguments=st.lists(st.integers(0, 2**64 - 1), max_size=6))
def test_whatever_is_on_no_list_is_denied(
    architecture: Architecture, number: int, arguments: list[int]
) -> None:
    if number not in architecture.numbers.values():
        assert judge(architecture, number, *arguments) == DENIED


@architectures
def test_each_unnamed_call_of_the_table_is_denied(architecture: Architecture) -> None:
    unnamed = set(range(600)) - set(architecture.numbers.values())
    assert {judge(architecture, number) for number in unnamed} == {DENIED}


def test_another_architectures_calls_and_the_x32_ones_kill() -> None:
    x86 = ARCHITECTURES["x86_64"]
    i386 = 0x40000003
    assert judge(x86, 0, audit=i386) == KILL
    assert judge(x86, 0x40000000) == KILL


@architectures
@pytest.mark.parametrize("flags", [os.O_WRONLY, os.O_RDWR, os.O_CREAT, os.O_TRUNC, os.O_RDONLY | os.O_APPEND])
def test_files_open_for_reading_only(architecture: Architecture, flags: int) -> None:
    assert call(architecture, "openat", 0, 0, flags) == ERRNO | errno.EACCES
    assert call(architecture, "openat", 0, 0, os.O_RDONLY | os.O_CLOEXEC) == ALLOW


@architectures
@pytest.mark.parametrize("name", ["kill", "tkill", "tgkill"])
@pytest.mark.parametrize("target", [0, 1, PID - 1, 0xFFFFFFFF, 0xFFFFFFFF - PID + 1])
def test_signals_reach_the_process_itself_only(architecture: Architecture, name: str, target: int) -> None:
    assert call(architecture, name, target) == DENIED
    assert call(architecture, name, PID) == ALLOW


@architectures
@pytest.mark.parametrize(("name", "position"), [("sendto", 4), ("prlimit64", 2)])
@pytest.mark.parametrize("pointer", [1, 1 << 32, 2**64 - 1])
def test_pointers_that_must_be_null(
    architecture: Architecture, name: str, position: int, pointer: int
) -> None:
    assert call(architecture, name, *[7] * position, 0) == ALLOW
    assert call(architecture, name, *[7] * position, pointer) == DENIED


@architectures
def test_only_file_mappings_may_be_executable(architecture: Architecture) -> None:
    read, executable, anonymous, private = 1, 4, 0x20, 2
    assert call(architecture, "mmap", 0, 0, read, anonymous | private) == ALLOW
    assert call(architecture, "mmap", 0, 0, read | executable, private) == ALLOW
    assert call(architecture, "mmap", 0, 0, read | executable, anonymous | private) == DENIED
    assert call(architecture, "mprotect", 0, 0, read) == ALLOW
    assert call(architecture, "mprotect", 0, 0, read | executable) == DENIED


@architectures
def test_the_owner_of_a_descriptors_signals_cannot_be_set(architecture: Architecture) -> None:
    set_owner, set_owner_by_ioctl, terminal_input = 8, 0x8901, 0x5412
    assert call(architecture, "fcntl", 3, set_owner, 1) == DENIED
    assert call(architecture, "ioctl", 3, set_owner_by_ioctl) == ERRNO | errno.ENOTTY
    assert call(architecture, "ioctl", 0, terminal_input) == ERRNO | errno.ENOTTY


@architectures
def test_the_parts_prepared_in_the_template_are_the_program(architecture: Architecture) -> None:
    before, after = prepare(architecture)
    whole = assemble(program(architecture, PID))
    assert whole.startswith(before)
    assert whole.endswith(after)


def test_a_jump_no_byte_holds_is_an_error() -> None:
    with pytest.raises(ValueError, match="too far"):
        assemble([(0x15, 256, 0, 0)])
