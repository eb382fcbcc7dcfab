"""The broker's jars: fetched once from Maven Central, held to the checksums of kafka.lock at every start."""

from __future__ import annotations

import fcntl
import hashlib
import os
import tempfile
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from platformdirs import user_cache_path

from treaty_embedded.errors import JarError

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["PINNED", "Jar", "cache_dir", "classpath", "fetch", "locked", "write_lock"]

PINNED = ("org.apache.kafka:kafka_2.13:4.3.1", "org.slf4j:slf4j-simple:1.7.36")
"""The broker, and the logger that lets it say on stderr why it did not start (Kafka's own brings none)."""
_LOCK = Path(__file__).with_name("kafka.lock")
_AT_A_TIME = 6
_TRIES = 5


@dataclass(frozen=True, slots=True)
class Jar:
    """One line of the lock: SHA-256 in hex, and group:artifact:version."""

    sha256: str
    coordinate: str

    @property
    def filename(self) -> str:
        _, artifact, version = self.coordinate.split(":")
        return f"{artifact}-{version}.jar"

    def is_at(self, path: Path) -> bool:
        """The file there is this jar, by its checksum."""
        if not path.is_file():
            return False
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest() == self.sha256


def locked() -> list[Jar]:
    """The jars of kafka.lock, the pinned broker's first form of truth."""
    lines = (line.split() for line in _LOCK.read_text().splitlines() if line and not line.startswith("#"))
    return [Jar(sha256, coordinate) for sha256, coordinate in lines]


def cache_dir() -> Path:
    """TREATY_CACHE_DIR, or the user's cache directory: clones share one copy."""
    named = os.environ.get("TREATY_CACHE_DIR")
    return (Path(named) if named else user_cache_path("treaty", appauthor=False)) / "jars"


def classpath() -> list[Path]:
    """The verified jars, fetched first where missing. Raises JarError."""
    cache = cache_dir()
    fetch(cache)
    return [cache / jar.filename for jar in locked()]


def fetch(cache: Path) -> int:
    """Brings the cache to the lock; returns how many jars it fetched. Sessions side by side wait for one."""
    if all(jar.is_at(cache / jar.filename) for jar in locked()):
        return 0
    cache.mkdir(parents=True, exist_ok=True)
    with _only_one(cache / ".lock"):
        missing = [jar for jar in locked() if not jar.is_at(cache / jar.filename)]
        with tempfile.TemporaryDirectory(dir=cache) as staging, ThreadPoolExecutor(_AT_A_TIME) as pool:
            maven = _maven(Path(staging))
            for done in [pool.submit(_fetch_one, maven, jar, cache) for jar in missing]:
                done.result()
    return len(missing)


def _fetch_one(maven: Any, jar: Jar, cache: Path) -> None:
    group, artifact, version = jar.coordinate.split(":")
    wanted = maven.project(group, artifact).at_version(version).artifact()
    trouble = "not tried"
    for _ in range(_TRIES):
        try:
            found: Path = wanted.resolve()
        except (RuntimeError, OSError) as error:
            trouble = f"{type(error).__name__}: {error}"
            continue
        if jar.is_at(found):
            found.replace(cache / jar.filename)
            return
        found.unlink()
        trouble = f"its sha256 is not the lock's {jar.sha256}"
    raise JarError(f"{jar.coordinate} could not be fetched from Maven Central: {trouble}")


def _maven(repository: Path) -> Any:
    from jgo.maven import MavenContext  # noqa: PLC0415 - costs 0.3 s, and only a first start needs it

    return MavenContext(repo_cache=repository, timeout=60)


@contextmanager
def _only_one(path: Path) -> Iterator[None]:
    with path.open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def write_lock() -> None:
    """Resolves the pinned coordinates anew and rewrites kafka.lock."""
    from jgo.parse import Coordinate  # noqa: PLC0415

    with tempfile.TemporaryDirectory() as repository:
        maven = _maven(Path(repository))
        wanted = []
        for pinned in PINNED:
            group, artifact, version = pinned.split(":")
            wanted.append(maven.create_dependency(Coordinate(group, artifact, version, scope="compile")))
        direct, indirect = maven.resolver.resolve(wanted)
        artifacts = [d.artifact for d in (*direct, *indirect) if d.scope in ("compile", "runtime")]
        lines = []
        for one in artifacts:
            digest = hashlib.sha256(one.resolve().read_bytes()).hexdigest()
            lines.append(f"{digest}  {one.groupId}:{one.artifactId}:{one.version}\n")
    head = f"# Resolved from {', '.join(PINNED)} by `python -m treaty_embedded lock`.\n"
    _LOCK.write_text(head + "".join(sorted(lines, key=lambda line: line.split()[1])))
