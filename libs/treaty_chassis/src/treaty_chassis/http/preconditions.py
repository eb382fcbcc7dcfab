"""Entity tags and conditional requests (RFC 9110 section 13), and merge patches (RFC 7396)."""

from __future__ import annotations

from typing import Annotated

from fastapi import Header

from treaty_chassis.http.problems import Problem

__all__ = ["IfMatch", "JsonValue", "etag", "expected_version", "merge_patch"]

IfMatch = Annotated[str | None, Header(alias="If-Match", description="the ETag the change is based on")]

JsonValue = object


def etag(version: int) -> str:
    """The strong entity tag of a row's version."""
    return f'"{version}"'


def expected_version(if_match: str | None) -> int | None:
    """The version an If-Match header names; None for `*`.

    Raises a 428 problem where the header is missing, 412 where it names no version of ours.
    """
    if if_match is None:
        raise Problem(428, "say with If-Match which version this changes; GET gives it as ETag")
    if if_match.strip() == "*":
        return None
    tag = if_match.strip()
    if len(tag) > 2 and tag[0] == tag[-1] == '"' and tag[1:-1].isascii() and tag[1:-1].isdigit():
        return int(tag[1:-1])
    raise Problem(412, f"{tag[:40]} is no version of this")


def merge_patch(target: JsonValue, patch: JsonValue) -> JsonValue:
    """RFC 7396 section 2: null removes a member, an object merges, anything else replaces."""
    if not isinstance(patch, dict):
        return patch
    merged = dict(target) if isinstance(target, dict) else {}
    for name, value in patch.items():
        if value is None:
            merged.pop(name, None)
        else:
            merged[name] = merge_patch(merged.get(name), value)
    return merged
