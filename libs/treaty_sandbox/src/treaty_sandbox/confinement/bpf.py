"""A classic BPF assembler, as small as the filter needs (Linux: Documentation/networking/filter.rst)."""

from __future__ import annotations

import struct
from collections.abc import Sequence

__all__ = ["INSTRUCTION_BYTES", "Instruction", "assemble", "equals", "has_bits", "load", "reaches", "ret"]

Instruction = tuple[int, int, int, int]
"""Code, jump if true, jump if false, operand."""

INSTRUCTION_BYTES = 8

_LD_W_ABS = 0x20
_JEQ_K = 0x15
_JGE_K = 0x35
_JSET_K = 0x45
_RET_K = 0x06


def load(offset: int) -> Instruction:
    """A <- the 32-bit word at `offset` of seccomp_data."""
    return (_LD_W_ABS, 0, 0, offset)


def equals(value: int, then: int, otherwise: int) -> Instruction:
    """Skip `then` instructions if A == value, else `otherwise`."""
    return (_JEQ_K, then, otherwise, value)


def reaches(value: int, then: int, otherwise: int) -> Instruction:
    """Skip `then` instructions if A >= value (unsigned), else `otherwise`."""
    return (_JGE_K, then, otherwise, value)


def has_bits(bits: int, then: int, otherwise: int) -> Instruction:
    """Skip `then` instructions if A & bits, else `otherwise`."""
    return (_JSET_K, then, otherwise, bits)


def ret(action: int) -> Instruction:
    return (_RET_K, 0, 0, action)


def assemble(program: Sequence[Instruction]) -> bytes:
    """The program as an array of struct sock_filter. Raises ValueError for a jump that no byte holds."""
    for code, yes, no, _ in program:
        if max(yes, no) > 255:
            raise ValueError(f"instruction {code:#x}: a jump of {max(yes, no)} is too far")
    return b"".join(struct.pack("=HBBI", code, yes, no, operand) for code, yes, no, operand in program)
