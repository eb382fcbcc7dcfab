"""What a service says of an environment that does not do."""

from __future__ import annotations

from pathlib import Path

import pytest
from pydantic import Field, ValidationError

from treaty_chassis.settings import KafkaSettings, ProbeSettings, ServiceSettings


class Settings(ServiceSettings, KafkaSettings, ProbeSettings):
    sealing_key: str = Field(validation_alias="TREATY_SEALING_KEY")


def test_a_missing_name_is_told_without_the_values_of_the_others(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TREATY_SEALING_KEY", "a-secret-value")
    monkeypatch.delenv("KAFKA_BOOTSTRAP_SERVERS", raising=False)
    with pytest.raises(ValidationError) as raised:
        Settings()
    assert "KAFKA_BOOTSTRAP_SERVERS" in str(raised.value)
    assert "a-secret" not in str(raised.value)


def test_an_unusable_value_is_told_by_its_name(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TREATY_SEALING_KEY", "x")
    monkeypatch.setenv("KAFKA_BOOTSTRAP_SERVERS", "localhost:9092")
    monkeypatch.setenv("TREATY_HTTP_PORT", "70000")
    with pytest.raises(ValidationError, match="TREATY_HTTP_PORT"):
        Settings()


def test_secrets_come_from_files_where_the_environment_does_not_have_them(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    tokens, keys = tmp_path / "tokens", tmp_path / "keys"
    for folder in (tokens, keys):
        folder.mkdir()
    (keys / "TREATY_SEALING_KEY").write_text("of a file\n")
    (tokens / "KAFKA_BOOTSTRAP_SERVERS").write_text("kafka:9092")
    monkeypatch.setenv("TREATY_SECRETS_DIR", f"{tokens}:{keys}")
    monkeypatch.setenv("KAFKA_BOOTSTRAP_SERVERS", "localhost:9092")
    monkeypatch.delenv("TREATY_SEALING_KEY", raising=False)
    assert Settings().sealing_key == "of a file"
    assert Settings().kafka_bootstrap_servers == "localhost:9092"


def test_a_missing_name_is_told_where_there_are_folders_too(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("TREATY_SECRETS_DIR", str(tmp_path))
    monkeypatch.delenv("TREATY_SEALING_KEY", raising=False)
    with pytest.raises(ValidationError, match="TREATY_SEALING_KEY"):
        Settings()
