"""The jars: locked by checksum, fetched once, refused when they are not what the lock says."""

from __future__ import annotations

import pytest

from treaty_embedded import jars
from treaty_embedded.errors import JarError


@pytest.fixture(scope="module")
def locked() -> list[jars.Jar]:
    return jars.locked()


def test_the_lock_names_the_pinned_broker_and_every_jar_once(locked):
    coordinates = [jar.coordinate for jar in locked]
    assert set(jars.PINNED) <= set(coordinates)
    assert len(set(coordinates)) == len({jar.filename for jar in locked}) == len(locked)
    assert all(len(jar.sha256) == 64 for jar in locked)


def test_the_class_path_is_the_lock_s(locked):
    paths = jars.classpath()
    assert [path.name for path in paths] == [jar.filename for jar in locked]
    assert all(jar.is_at(path) for jar, path in zip(locked, paths, strict=True))


class Maven:
    """A repository that hands out one file, as jgo's context does."""

    def __init__(self, path, body: bytes) -> None:
        self.path, self.body = path, body

    def project(self, group, artifact):
        return self

    def at_version(self, version):
        return self

    def artifact(self):
        return self

    def resolve(self):
        self.path.write_bytes(self.body)
        return self.path


def test_a_jar_with_another_checksum_never_reaches_the_cache(tmp_path, locked):
    with pytest.raises(JarError, match=rf"{locked[0].coordinate}.*sha256"):
        jars._fetch_one(Maven(tmp_path / "fetched", b"tampered"), locked[0], tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_a_damaged_jar_is_not_the_lock_s(tmp_path, locked):
    whole = jars.cache_dir() / locked[0].filename
    damaged = tmp_path / locked[0].filename
    damaged.write_bytes(whole.read_bytes()[:-1])
    assert not locked[0].is_at(damaged)
