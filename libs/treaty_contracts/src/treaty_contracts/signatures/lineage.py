"""What stands above a class: the builtins' own ancestors, abstract ones and the tower of numbers."""

from __future__ import annotations

__all__ = ["BUILTINS", "CANONICAL", "ancestors", "inherits", "is_abstract", "last_part", "lineage_of"]

BUILTINS: dict[str, list[str]] = {
    name: [name, *bases, "object"]
    for name, bases in {
        "int": [],
        "float": [],
        "complex": [],
        "bool": ["int"],
        "str": [],
        "bytes": [],
        "bytearray": [],
        "memoryview": [],
        "list": [],
        "tuple": [],
        "dict": [],
        "set": [],
        "frozenset": [],
        "type": [],
        "range": [],
        "slice": [],
        "Exception": ["BaseException"],
        "ValueError": ["Exception", "BaseException"],
    }.items()
} | {"object": ["object"]}

CANONICAL = {
    "List": "list",
    "Dict": "dict",
    "Tuple": "tuple",
    "Set": "set",
    "FrozenSet": "frozenset",
    "Type": "type",
    "Text": "str",
    "DefaultDict": "collections.defaultdict",
    "OrderedDict": "collections.OrderedDict",
    "Counter": "collections.Counter",
    "Deque": "collections.deque",
} | {
    name: f"collections.abc.{name}"
    for name in (
        "Mapping",
        "MutableMapping",
        "Sequence",
        "MutableSequence",
        "Iterable",
        "Iterator",
        "Collection",
        "Container",
        "Callable",
        "Generator",
        "AsyncIterator",
        "AsyncIterable",
        "AsyncGenerator",
        "Awaitable",
        "Coroutine",
        "Hashable",
        "Sized",
        "Reversible",
        "MutableSet",
        "ByteString",
        "Buffer",
        "KeysView",
        "ItemsView",
        "ValuesView",
    )
}

_ABC = "collections.abc."
_VIRTUAL: dict[str, tuple[str, ...]] = {
    "dict": ("MutableMapping", "Mapping", "Collection", "Iterable", "Sized", "Container", "Reversible"),
    "list": ("MutableSequence", "Sequence", "Collection", "Iterable", "Sized", "Container", "Reversible"),
    "tuple": ("Sequence", "Collection", "Iterable", "Sized", "Container", "Hashable", "Reversible"),
    "str": ("Sequence", "Collection", "Iterable", "Sized", "Container", "Hashable", "Reversible"),
    "bytes": ("Sequence", "ByteString", "Buffer", "Collection", "Iterable", "Sized", "Container", "Hashable"),
    "bytearray": ("MutableSequence", "Sequence", "ByteString", "Buffer", "Collection", "Iterable", "Sized"),
    "memoryview": ("Sequence", "Buffer", "Collection", "Iterable", "Sized"),
    "set": ("MutableSet", "Set", "Collection", "Iterable", "Sized", "Container"),
    "frozenset": ("Set", "Collection", "Iterable", "Sized", "Container", "Hashable"),
    "range": ("Sequence", "Collection", "Iterable", "Sized"),
    _ABC + "Mapping": ("Collection", "Iterable", "Sized", "Container"),
    _ABC + "MutableMapping": ("Mapping", "Collection", "Iterable", "Sized", "Container"),
    _ABC + "Sequence": ("Collection", "Iterable", "Sized", "Container", "Reversible"),
    _ABC + "MutableSequence": ("Sequence", "Collection", "Iterable", "Sized", "Container", "Reversible"),
    _ABC + "Collection": ("Iterable", "Sized", "Container"),
    _ABC + "Iterator": ("Iterable",),
    _ABC + "Generator": ("Iterator", "Iterable"),
    _ABC + "AsyncGenerator": ("AsyncIterator", "AsyncIterable"),
    _ABC + "Coroutine": ("Awaitable",),
}
_NUMBERS = {
    "int": ("Number", "Complex", "Real", "Rational", "Integral"),
    "float": ("Number", "Complex", "Real"),
    "bool": ("Number", "Complex", "Real", "Rational", "Integral"),
    "complex": ("Number", "Complex"),
}
_TOWER = {"bool": ("int", "float", "complex"), "int": ("float", "complex"), "float": ("complex",)}


def lineage_of(name: str) -> list[str]:
    """The class and what it inherits from; nothing but object above one that is not built in."""
    return BUILTINS.get(name, [name, "object"])


def ancestors(lineage: list[str]) -> set[str]:
    names = set(lineage)
    for name in lineage:
        names.update(_ABC + base for base in _VIRTUAL.get(name, ()))
        names.update(_TOWER.get(name, ()))
        names.update("numbers." + base for base in _NUMBERS.get(name, ()))
    return names


def last_part(name: str) -> str:
    return name.rsplit(".", 1)[-1]


def is_abstract(lineage: list[str]) -> bool:
    """Whether a class may have others stand for it that do not inherit from it."""
    return lineage[0].startswith((_ABC, "numbers.", "typing.")) or bool(
        {"typing.Protocol", "abc.ABC"} & set(lineage)
    )


def inherits(lineage: list[str], wanted: str) -> bool:
    known = ancestors(lineage)
    if wanted in known:
        return True
    if wanted in BUILTINS or wanted.startswith((_ABC, "numbers.")):
        return False
    return any(last_part(name) == last_part(wanted) for name in lineage if name not in BUILTINS)
