"""`treaty compose`: docker-compose.yml with what was not chosen left out."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
import yaml
from typer.testing import CliRunner

from treaty_cli.main import app

ROOT = Path(__file__).parents[3]
PLUGINS = ROOT / "plugins"
PLATFORM = yaml.safe_load((ROOT / "docker-compose.yml").read_text())
WORKER = "worker-shipped-0"


def told(*arguments: str) -> str:
    found = CliRunner().invoke(app, ["compose", "--folder", str(PLUGINS), *arguments])
    assert found.exit_code == 0, found.stderr
    return found.stdout


def written(*arguments: str) -> dict[str, Any]:
    found: dict[str, Any] = yaml.safe_load(told(*arguments))
    return found


def refused(*arguments: str) -> str:
    found = CliRunner().invoke(app, ["compose", "--folder", str(PLUGINS), *arguments], terminal_width=400)
    assert found.exit_code == 2
    assert found.stdout == ""
    return " ".join(found.stderr.replace("│", " ").split())


def mounts(service: dict[str, Any]) -> dict[str, str]:
    """Folders by where they are seen."""
    return {v["target"]: v["source"] for v in service.get("volumes", ()) if isinstance(v, dict)}


def test_without_a_choice_it_is_the_platform_s_own_file_with_the_worker_in_a_group() -> None:
    found = written()["services"]
    services = {n: s for n, s in PLATFORM["services"].items() if s.get("profiles", ["tools"]) == ["tools"]}
    worker = services.pop("normalization")
    secrets = services.pop("secrets")
    for name, service in services.items():
        assert found[name] == {k: v for k, v in service.items() if k != "build"}
    assert set(found) == {*services, WORKER, "secrets"}
    assert found[WORKER]["environment"] == worker["environment"] | {
        "TREATY_PLUGINS": "*",
        "TREATY_SLOT": "shipped-0",
    }
    assert f"--url=normalization=http://{WORKER}:8084" in found["secrets"]["command"]
    assert set(found["secrets"]["command"]) - set(secrets["command"]) == {
        f"--url=normalization=http://{WORKER}:8084"
    }


def test_the_same_choice_is_the_same_bytes() -> None:
    choice = ("--plugins", "milesight-*,decentlab", "--slots", "2", "--external", "redis,kafka")
    assert told(*choice) == told(*choice)


@pytest.mark.parametrize(
    ("services", "kept"),
    [
        ("ingestion", {"ingestion", "topics", "kafka"}),
        ("push", {"push-gateway", "topics", "kafka"}),
        ("normalization,ingestion", {WORKER, "ingestion", "topics", "kafka"}),
        (
            "projector",
            {"device-registry-projector", "migrate-device-registry", "postgres", "topics", "kafka"},
        ),
        (
            "contract-governance",
            {"contract-governance", "migrate-contract-governance", "postgres", "topics", "kafka"},
        ),
    ],
)
def test_what_was_chosen_comes_with_what_it_needs_and_nothing_else(services: str, kept: set[str]) -> None:
    assert set(written("--services", services)["services"]) == kept


def test_a_service_without_the_registry_is_given_the_registry_s_secrets_and_address() -> None:
    found = written("--services", "push,ingestion")["services"]
    assert mounts(found["ingestion"]) == {"/secrets/ingestion": "./secrets/ingestion"}
    assert mounts(found["push-gateway"]) == {"/secrets/tokens": "./secrets/tokens"}
    assert found["push-gateway"]["environment"]["TREATY_REGISTRY_URL"].startswith("${TREATY_REGISTRY_URL:?")


def test_nobody_waits_for_what_is_not_there_but_for_what_that_would_have_waited_for() -> None:
    for choice in (
        ("--external", "kafka,postgres,redis"),
        ("--services", "registry,push"),
        ("--external", "kafka"),
    ):
        services = written(*choice)["services"]
        for name, service in services.items():
            assert set(service.get("depends_on", ())) <= set(services), name
    alone = written("--external", "kafka,postgres,redis")["services"]
    assert alone["migrate-device-registry"]["depends_on"] == {
        "secrets": {"condition": "service_completed_successfully"}
    }


def test_a_kafka_elsewhere_is_told_by_the_shell_and_its_password_by_a_file() -> None:
    services = written("--external", "kafka")["services"]
    assert "kafka" not in services
    spoken = [s for s in services.values() if "KAFKA_BOOTSTRAP_SERVERS" in (s.get("environment") or {})]
    assert len(spoken) == 8
    for service in spoken:
        environment = service["environment"]
        assert environment["KAFKA_BOOTSTRAP_SERVERS"].startswith("${KAFKA_BOOTSTRAP_SERVERS:?")
        assert environment["KAFKA_SSL_CA_FILE"] is None
        assert mounts(service)["/secrets/kafka"] == "./secrets/kafka"
        assert environment["TREATY_SECRETS_DIR"].split(":").count("/secrets/kafka") == 1
    assert any(part.startswith("--servers=${KAFKA_BOOTSTRAP") for part in services["secrets"]["command"])


def test_a_database_elsewhere_has_a_password_that_nothing_here_makes() -> None:
    document = written("--external", "postgres,redis")
    services = document["services"]
    assert {"postgres", "valkey"} & set(services) == set()
    assert mounts(services["contract-governance"])["/secrets/database"] == "./secrets/database"
    assert [part for part in services["secrets"]["command"] if part.startswith("--database")] == []
    assert mounts(services["secrets"]) == {}
    registry = services["device-registry"]
    assert "REDIS_URL" not in registry["environment"]
    assert "/secrets/redis" in registry["environment"]["TREATY_SECRETS_DIR"].split(":")
    assert "secrets-database" not in document["volumes"]


def test_every_worker_has_a_slot_of_its_own_and_topics_as_many_partitions() -> None:
    choice = (
        "--plugins",
        "decentlab",
        "--group",
        "milesight=milesight-*",
        "--slots",
        "2",
        "--slots",
        "milesight=3",
    )
    services = written(*choice)["services"]
    workers = {n: s["environment"] for n, s in services.items() if n.startswith("worker-")}
    assert list(workers) == [
        *(f"worker-shipped-{n}" for n in range(2)),
        *(f"worker-milesight-{n}" for n in range(3)),
    ]
    assert len({environment["TREATY_SLOT"] for environment in workers.values()}) == 5
    assert workers["worker-milesight-2"]["TREATY_PLUGINS"] == "milesight-*"
    governance = services["contract-governance"]["environment"]
    assert governance["TREATY_ACCEPTED_PARTITIONS"] == "${TREATY_ACCEPTED_PARTITIONS:-3}"
    assert services["publish"]["command"][2:] == [
        f"/plugins/{name}"
        for name in ("decentlab", "milesight-am100", "milesight-am300", "milesight-ct10x", "milesight-em300")
    ]


def test_a_port_of_the_machine_is_taken_once() -> None:
    services = written("--slots", "3", "--slots", "ingestion=2", "--group", "more=decentlab")["services"]
    ports = [port for service in services.values() for port in service.get("ports", ())]
    assert len(ports) == len(set(ports))
    assert services["ingestion-1"]["environment"]["TREATY_SLOT"] == "1"


def package(folder: Path, plugin: str) -> Path:
    """A package of somebody's own in the folder, which need not be named like the plugin."""
    shutil.copytree(PLUGINS / "milesight-em300", folder)
    contract = folder / "contract.yaml"
    contract.write_text(contract.read_text().replace("plugin: milesight-em300", f"plugin: {plugin}"))
    return folder


def test_packages_of_one_s_own_are_mounted_where_plugins_are_looked_for(tmp_path: Path) -> None:
    own = package(tmp_path / "acme" / "acme-door", "acme-door")
    output = tmp_path / "platform" / "compose.yaml"
    output.parent.mkdir()
    told("--plugins", "decentlab", "--group", "acme=acme-*", "--own", f"acme={own.parent}", "-o", str(output))
    services = yaml.safe_load(output.read_text())["services"]
    for name in ("worker-acme-0", "push-gateway", "publish", "treaty"):
        assert mounts(services[name])["/plugins/acme-door"] == "../acme/acme-door"
    assert mounts(services[WORKER]) == {}
    assert services["publish"]["command"] == ["plugin", "publish", "/plugins/acme-door", "/plugins/decentlab"]


def test_packages_that_two_groups_host_hide_nothing_and_are_mounted_once(tmp_path: Path) -> None:
    package(tmp_path / "own$HOME" / "decentlab", "acme-door")
    own = tmp_path / "own$HOME"
    output = tmp_path / "compose.yaml"
    groups = ("--group", "a=acme-*", "--group", "b=*", "--own", f"a={own}", "--own", f"b={own}")
    told(*groups, "-o", str(output))
    services = yaml.safe_load(output.read_text())["services"]
    for name in ("worker-a-0", "worker-b-0", "push-gateway", "publish", "treaty"):
        targets = [v["target"] for v in services[name]["volumes"] if isinstance(v, dict)]
        assert targets == ["/plugins/acme-door"], name
        # As compose writes a dollar that names no variable.
        assert mounts(services[name])["/plugins/acme-door"] == "./own$$HOME/decentlab"


def test_packages_of_one_s_own_are_mounted_where_nothing_is_known_of_the_image_too(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    own = package(tmp_path / "own" / "acme-door", "acme-door").parent
    for name in ("docker-compose.yml", "helm/treaty"):
        target = tmp_path / "share" / name
        target.parent.mkdir(parents=True, exist_ok=True)
        target.symlink_to(ROOT / name)
    monkeypatch.setattr("treaty_cli.installation.definitions.folder", lambda: tmp_path / "share")
    choice = ["compose", "--group", "acme=acme-*", "--own", f"acme={own}"]
    found = CliRunner().invoke(app, choice)
    assert found.exit_code == 0, found.stderr
    services = yaml.safe_load(found.stdout)["services"]
    assert "/plugins/acme-door" in mounts(services["worker-acme-0"])
    assert services["publish"]["command"] == ["plugin", "publish", "/plugins"]


def test_a_plugin_in_two_folders_is_refused(tmp_path: Path) -> None:
    one = package(tmp_path / "one" / "acme-door", "acme-door").parent
    two = package(tmp_path / "two" / "acme-door", "acme-door").parent
    groups = ("--group", "a=acme-*", "--group", "b=acme-*", "--own", f"a={one}", "--own", f"b={two}")
    assert "acme-door is in" in refused(*groups)
    choice = ("--group", "a=acme-*", "--image", "a=acme:1", "--own", f"a={one}")
    assert "'a' has an image of its own" in refused(*choice)
    assert "'shipped' hosts decentlab, which is none of acme-door" in refused(
        "--plugins", "decentlab", "--own", f"shipped={one}"
    )


def test_what_was_asked_for_stays_a_comment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.argv", ["treaty", "compose", "--services", "push,\nname: other"])
    assert written()["name"] == "treaty"
    assert "# name: other'" in told().splitlines()


def test_an_image_of_one_s_own_is_hosted_and_nothing_is_published_for_it() -> None:
    services = written("--group", "acme=acme-*", "--image", "acme=r.example.com/acme:7", "--tag", "2.0")[
        "services"
    ]
    assert services["worker-acme-0"]["image"] == "r.example.com/acme:7"
    assert services["ingestion"]["image"] == "treaty/ingestion:${TREATY_VERSION:-2.0}"
    assert "publish" not in services
    assert set(services["worker-acme-0"]["depends_on"]) == {
        "contract-governance",
        "device-registry",
        "topics",
    }


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["--plugins", "decentlb"], "'decentlb' is none of the plugins decentlab, milesight-am100"),
        (
            ["--services", "push,fop"],
            "'fop' is not one of governance, ingestion, normalization, projector, push",
        ),
        (["--external", "mysql"], "'mysql' is not one of kafka, postgres, redis"),
        (["--slots", "worker=2"], "'worker' is not one of ingestion, shipped"),
        (["--slots", "0"], "expected N or NAME=N from 1 to 256"),
        (["--group", "A=*"], "expected NAME=VALUE"),
        (["--group", "a=*", "--group", "a=*"], "a is given twice"),
        (["--group", "shipped=*"], "--plugins"),
        (["--own", f"acme={PLUGINS}"], "'acme' is not one of the groups shipped"),
        (["--own", f"shipped={PLUGINS}"], "decentlab is a plugin of the image already"),
        (["--own", f"shipped={ROOT / 'docs'}"], "is no folder of plugin packages"),
        (["--plugins", "a b"], "expected names of plugins or shell patterns"),
        (["--group", "ingestion=*"], "'ingestion' is a service"),
        (["--tag", "1}$HOME"], "'1}$HOME' cannot stand in an image's name"),
        (["--registry", "r.example.com/$USER"], "cannot stand in an image's name"),
        (["--group", "a=*", "--image", "a=r.example.com/a b"], "cannot stand in an image's name"),
    ],
)
def test_what_is_not_there_is_refused_by_name(arguments: list[str], says: str) -> None:
    assert says in refused(*arguments)


def test_a_file_that_is_there_stays_unless_it_is_to_be_written_over(tmp_path: Path) -> None:
    output = tmp_path / "compose.yaml"
    output.write_text("mine")
    assert "--force" in refused("--output", str(output))
    assert output.read_text() == "mine"
    told("--output", str(output), "--force")
    assert yaml.safe_load(output.read_text())["name"] == "treaty"


def test_json_is_the_same_document() -> None:
    assert json.loads(told("--json", "--slots", "2")) == written("--slots", "2")


def test_what_has_to_be_there_is_told_at_the_top() -> None:
    notes = [line for line in told("--external", "kafka,redis").splitlines() if line.startswith("#")]
    assert any("./secrets/kafka/: KAFKA_SASL_USERNAME" in note for note in notes)
    assert any("./secrets/redis/: REDIS_URL" in note for note in notes)
