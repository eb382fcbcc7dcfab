"""The contract, treaty/v1: what a plugin promises and what it may use."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Field, model_validator

from treaty_contracts.model.strict import Identifier, JsonSchema, ModuleName, Specifier, Strict, Text
from treaty_contracts.model.structure import Structure

__all__ = [
    "ActionPromise",
    "Contract",
    "Deployment",
    "Emits",
    "Entry",
    "Evidence",
    "Imports",
    "Measurement",
    "Origin",
    "PackageRule",
    "Property",
    "Resources",
    "Runtime",
]

PluginName = Annotated[str, Field(pattern=r"^[a-z][a-z0-9-]{1,62}$")]
SemanticVersion = Annotated[
    str,
    Field(
        pattern=r"^(0|[1-9]\d*)\.(0|[1-9]\d*)\.(0|[1-9]\d*)"
        r"(-[0-9A-Za-z-]+(\.[0-9A-Za-z-]+)*)?(\+[0-9A-Za-z-]+(\.[0-9A-Za-z-]+)*)?$"
    ),
]
EntryPoint = Annotated[str, Field(pattern=r"^[A-Za-z_][A-Za-z0-9_.]*:[A-Za-z_$][A-Za-z0-9_.$]*$")]
Model = Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9._-]*/[a-z0-9][a-z0-9._-]*$")]
Network = Literal["chirpstack", "loriot", "things_stack", "native"]
EmittedName = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]{0,62}$")]
FilePath = Annotated[
    str, Field(pattern=r"^[A-Za-z0-9_][A-Za-z0-9_.-]*(/[A-Za-z0-9_][A-Za-z0-9_.-]*)*$", max_length=400)
]
Digest = Annotated[str, Field(pattern=r"^sha256:[0-9a-f]{64}$")]


class Entry(Strict):
    """`module:function` of the package; a dotted function names a bound method or attribute."""

    decode: EntryPoint
    encode: EntryPoint | None = None


class Measurement(Strict):
    """A number with a quantity of the catalogue and the vendor's UCUM unit; `range` is in that unit."""

    quantity: Text
    unit: Annotated[str, Field(min_length=1, max_length=40)]
    range: Annotated[list[float | int], Field(min_length=2, max_length=2)] | None = None


class Property(Strict):
    """A value that is no measurement; `values` closes the set a string or integer may take."""

    type: Literal["boolean", "integer", "number", "string"]
    values: list[str | int | bool] | None = None
    unit: Text | None = None


class Emits(Strict):
    measurements: dict[EmittedName, Measurement] = Field(default_factory=dict)
    properties: dict[EmittedName, Property] = Field(default_factory=dict)
    position: bool = False


class ActionPromise(Strict):
    """A command the plugin encodes, its arguments by JSON Schema (draft 2020-12)."""

    arguments: JsonSchema = Field(default_factory=dict)
    description: Text | None = None


class Imports(Strict):
    """Modules allowed beyond `treaty` and the safe standard-library set, and native files by hash."""

    allow: list[ModuleName] = Field(default_factory=list)
    deny: list[ModuleName] = Field(default_factory=list)
    native: dict[FilePath, Digest] = Field(default_factory=dict)


class Origin(Strict):
    """Where an installed package came from, as its PEP 610 record says."""

    type: Literal["unknown", "index", "vcs", "local", "archive"] | None = None
    repository: Text | None = None
    url: Text | None = None
    commit: Text | None = None


class PackageRule(Strict):
    """One distribution. Absent ones matter only when `required`; `allowed: false` forbids the import."""

    version: Specifier | None = None
    allowed: bool = True
    required: bool = True
    declared: bool | None = None
    editable: bool | None = None
    origin: Origin | None = None


class Runtime(Strict):
    """The host. `environment` names variables (a mapping also states values); `secrets` names only."""

    python: Specifier | None = None
    implementation: Text | list[Text] | None = None
    os: Text | list[Text] | None = None
    architecture: Text | list[Text] | None = None
    environment: list[Identifier] | dict[Identifier, str | None] = Field(default_factory=list)
    secrets: list[Identifier] = Field(default_factory=list)


class Deployment(Strict):
    """One host the plugin is made for; of several, one must fit. Its structure then holds too."""

    runtime: Runtime = Field(default_factory=Runtime)
    structure: Structure = Field(default_factory=Structure)


class Resources(Strict):
    """What the child is held to: address space, and wall time a message and a batch."""

    memory_mib: Annotated[int, Field(ge=32, le=4096)] = 256
    message_deadline_ms: Annotated[int, Field(ge=1, le=60_000)] = 250
    batch_deadline_ms: Annotated[int, Field(ge=1, le=600_000)] = 2000
    cpus: Annotated[float | int, Field(gt=0, le=64)] | None = None


class Evidence(Strict):
    """Something an outside party must have established, such as a package's provenance."""

    kind: Text
    subject: Text


class Contract(Strict):
    """A plugin's whole contract. Without `entry` it promises structure only: a library's contract."""

    contract: Literal["treaty/v1"]
    plugin: PluginName
    version: SemanticVersion
    owner: Text | None = None
    licence: Text | None = None
    description: Text | None = None
    language: Literal["python", "javascript"] = "python"
    entry: Entry | None = None
    models: list[Model] = Field(default_factory=list)
    networks: list[Network] = Field(default_factory=list)
    content_types: list[Text] = Field(default_factory=list)
    emits: Emits = Field(default_factory=Emits)
    actions: dict[EmittedName, ActionPromise] = Field(default_factory=dict)
    errors: list[ModuleName] = Field(default_factory=list)
    structure: Structure = Field(default_factory=Structure)
    imports: Imports = Field(default_factory=Imports)
    packages: dict[str, Specifier | PackageRule] = Field(default_factory=dict)
    runtime: Runtime = Field(default_factory=Runtime)
    deployments: list[Deployment] = Field(default_factory=list)
    resources: Resources = Field(default_factory=Resources)
    evidence: list[Evidence] = Field(default_factory=list)
    vectors: FilePath | None = None
    widget: FilePath | None = None

    @model_validator(mode="before")
    @classmethod
    def _empty_sections(cls, value: Any) -> Any:
        """`actions:` with nothing after it reads as null in YAML; it means an empty section."""
        if isinstance(value, dict):
            return {key: part for key, part in value.items() if part is not None}
        return value

    def packages_in_full(self) -> dict[str, PackageRule]:
        return {
            name: rule if isinstance(rule, PackageRule) else PackageRule(version=rule)
            for name, rule in self.packages.items()
        }
