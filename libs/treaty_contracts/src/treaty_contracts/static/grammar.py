"""The Python that packages are written in: 3.11's, whichever Python judges.

A later Python reads more. What only it reads is refused, for a worker of an older one could not load it.
"""

from __future__ import annotations

import ast
import io
import sys
import tokenize
import warnings
from token import tok_name

__all__ = ["parse"]

_VERSION = (3, 11)


def _later_in(token: tokenize.TokenInfo, around: list[str]) -> bool:
    """Whether a token may not stand between the braces of an f-string; `around`: the quotes outside it."""
    kind = tok_name[token.type]
    quoted = any(quote in token.string for quote in around)
    broken = kind in {"NL", "NEWLINE"} and any(len(quote) == 1 for quote in around)
    return bool(around) and (quoted or broken or "\\" in token.string or kind == "COMMENT")


def _judge_f_strings(text: str, path: str) -> None:
    """Between braces, 3.11 takes no quotes like those around, no backslash, no comment, no line's end."""
    around: list[str] = []
    for token in tokenize.generate_tokens(io.StringIO(text).readline):
        kind = tok_name[token.type]
        if kind == "FSTRING_END":
            around.pop()
        if _later_in(token, around[:-1] if kind == "FSTRING_MIDDLE" else around):
            line, column = token.start
            raise SyntaxError("f-string of a later Python", (path, line, column + 1, token.line))
        if kind == "FSTRING_START":
            around.append(token.string.lstrip("fFrR"))


def parse(text: str, path: str) -> ast.Module:
    """The tree of a source that Python 3.11 compiles.

    Raises SyntaxError with the judging Python's own words, and ValueError, RecursionError or MemoryError as
    `ast.parse` does.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        tree = ast.parse(text, filename=path, feature_version=_VERSION)
        compile(tree, path, "exec", dont_inherit=True)
    if sys.version_info >= (3, 12):
        _judge_f_strings(text, path)
    return tree
