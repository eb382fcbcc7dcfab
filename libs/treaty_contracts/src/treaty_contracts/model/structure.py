"""What a contract promises of the package's code: names, kinds, calls and types."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import Field, model_validator

from treaty_contracts.model.strict import Identifier, ModuleName, Scalar, Strict, Text

__all__ = [
    "ArgumentPromise",
    "AttributePromise",
    "ClassPromise",
    "FunctionPromise",
    "ModulePromise",
    "Structure",
    "VariablePromise",
]

Kind = Literal["positional_only", "positional_or_keyword", "var_positional", "keyword_only", "var_keyword"]


class _Valued(Strict):
    annotation: Text | None = None
    value: Scalar = None

    @property
    def has_value(self) -> bool:
        """Whether the contract states a value; `value: null` states None."""
        return "value" in self.model_fields_set


class VariablePromise(_Valued):
    """A module's variable: its type and, where stated, its exact value."""


class AttributePromise(_Valued):
    """A class's attribute, held by the class or set on each instance."""

    scope: Literal["class", "instance"] = "class"


class ArgumentPromise(Strict):
    """One argument callers may pass. `optional` promises a default; `default` promises which."""

    name: Identifier
    annotation: Text | None = None
    kind: Kind = "positional_or_keyword"
    optional: bool = False
    default: Scalar = None

    @property
    def has_default(self) -> bool:
        return "default" in self.model_fields_set


class FunctionPromise(Strict):
    """A callable: every call the arguments allow must bind. No `arguments` promises only the name."""

    arguments: list[ArgumentPromise] | None = None
    returns: Text | None = None
    asynchronous: bool = False
    generator: bool = False


class ClassPromise(Strict):
    """A class: attributes, methods (their `self` or `cls` may be named or left out), superclasses."""

    attributes: dict[Identifier, AttributePromise] = Field(default_factory=dict)
    methods: dict[Identifier, FunctionPromise] = Field(default_factory=dict)
    superclasses: list[Text] | dict[Text, ClassPromise] = Field(default_factory=list)

    @model_validator(mode="before")
    @classmethod
    def _empty_is_all_defaults(cls, value: Any) -> Any:
        return {} if value is None else value


class ModulePromise(Strict):
    version: Text | None = None
    variables: dict[Identifier, VariablePromise] = Field(default_factory=dict)
    functions: dict[Identifier, FunctionPromise] = Field(default_factory=dict)
    classes: dict[Identifier, ClassPromise] = Field(default_factory=dict)


class Structure(Strict):
    modules: dict[ModuleName, ModulePromise] = Field(default_factory=dict)
