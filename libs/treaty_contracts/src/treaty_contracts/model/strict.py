"""The base of every part of a contract: unknown keys refused, no coercion, immutable."""

from __future__ import annotations

from typing import Annotated, Any

from packaging.specifiers import InvalidSpecifier, SpecifierSet
from pydantic import AfterValidator, BaseModel, ConfigDict, Field

__all__ = ["Identifier", "JsonSchema", "ModuleName", "Scalar", "Specifier", "Strict", "Text"]


class Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


def _specifier(value: str) -> str:
    try:
        SpecifierSet(value)
    except InvalidSpecifier:
        raise ValueError("not a version range of PEP 440, such as '>=3.11,<4'") from None
    return value


Text = Annotated[str, Field(min_length=1, max_length=2000)]
Identifier = Annotated[str, Field(pattern=r"^[A-Za-z_][A-Za-z0-9_]*$", max_length=120)]
ModuleName = Annotated[
    str, Field(pattern=r"^[A-Za-z_][A-Za-z0-9_]*(\.[A-Za-z_][A-Za-z0-9_]*)*$", max_length=240)
]
Specifier = Annotated[str, AfterValidator(_specifier)]
Scalar = str | bool | int | float | None
JsonSchema = dict[str, Any]
