"""A package's digest names every byte of it and nothing else."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from treaty_contracts.package import take


@pytest.fixture
def package(tmp_path: Path) -> Path:
    (tmp_path / "vectors").mkdir()
    (tmp_path / "contract.yaml").write_text("contract: treaty/v1\n")
    (tmp_path / "decoder.py").write_text("def decode(uplink): ...\n")
    (tmp_path / "vectors" / "golden.json").write_text("{}")
    return tmp_path


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=60, deadline=None)
@given(data=st.data())
def test_any_byte_changes_the_digest(package: Path, data: st.DataObject) -> None:
    before = take(package)
    path = data.draw(st.sampled_from(sorted(before.files)))
    content = bytearray(before.files[path])
    content[data.draw(st.integers(0, len(content) - 1))] ^= data.draw(st.integers(1, 255))
    original = (package / path).read_bytes()
    try:
        (package / path).write_bytes(content)
        assert take(package).digest != before.digest
    finally:
        (package / path).write_bytes(original)


def test_a_name_is_part_of_the_digest(package: Path) -> None:
    before = take(package).digest
    (package / "decoder.py").rename(package / "decoder2.py")
    assert take(package).digest != before


def test_moving_bytes_between_files_changes_the_digest(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"12")
    (tmp_path / "b").write_bytes(b"3")
    before = take(tmp_path).digest
    (tmp_path / "a").write_bytes(b"1")
    (tmp_path / "b").write_bytes(b"23")
    assert take(tmp_path).digest != before


def test_caches_are_no_part_of_it(package: Path) -> None:
    before = take(package).digest
    (package / "__pycache__").mkdir()
    (package / "__pycache__" / "decoder.cpython-311.pyc").write_bytes(b"anything")
    assert take(package).digest == before


def test_a_link_is_named_and_never_followed(package: Path) -> None:
    (package / "table.py").symlink_to("/etc/passwd")
    snapshot = take(package)
    assert snapshot.irregular == {"table.py": "link to /etc/passwd"}
    assert "table.py" not in snapshot.files
