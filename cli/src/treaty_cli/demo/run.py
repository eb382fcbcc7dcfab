"""One run of the demo: the fleet's traffic, and afterwards an account of it by another process."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from dataclasses import replace
from typing import Any

import msgspec

from treaty_cli.api import token
from treaty_cli.demo import journal, single
from treaty_cli.demo.drain import wait_drained
from treaty_cli.demo.seed import Seed
from treaty_cli.demo.seeding import seed
from treaty_cli.demo.subscriber import LIVE
from treaty_cli.progress import Progress
from treaty_cli.up.bringing_up import bring_up
from treaty_cli.up.platform import Platform
from treaty_cli.up.process import ServiceProcess
from treaty_embedded import StartError

__all__ = ["Demo"]

_SIMULATOR = "treaty_cli.demo.simulator"
_RECONCILER = "treaty_cli.demo.reconciler"
_STEP_S = 180.0
_DRAINED_S = 180.0
_RECONCILED_S = 180.0


class Demo:
    """With `accounted` a subscriber keeps a journal; `account` says what became of every uplink."""

    def __init__(self, platform: Platform, progress: Progress, rate: float, *, accounted: bool) -> None:
        self._platform = platform
        self._progress = progress
        self._rate = rate
        self._accounted = accounted
        self._processes: list[ServiceProcess] = []
        self.seed: Seed | None = None
        self.ready_s = 0.0
        self._environment = os.environ | {"TREATY_PLUGINS_DIR": str(platform.plugins)}
        folder = platform.home.folder("run")
        self._journal, self._since = folder / "journal.jsonl", folder / "since.json"

    def start(self) -> Seed:
        """The platform is ready and uplinks flow when this returns. Raises EmbeddedError, ApiError."""
        bring_up(self._platform, self._progress, self._furnish)
        if self.seed is None:
            raise StartError("the demo's fleet was not registered")
        self.ready_s = round(self._progress.elapsed_s(), 1)
        self._progress.step("platform", f"ready after {self.ready_s} s")
        if self._accounted:
            self._subscribe()
        self._simulator = self._begin(
            "simulator", _SIMULATOR, "--seed-file", str(self._platform.home.demo), "--rate", str(self._rate)
        )
        self._platform.keep("simulator", self._simulator)
        self._progress.step("simulator", f"{self._rate:g} uplinks a second")
        return self.seed

    def _furnish(self) -> None:
        self.seed = seed(
            self._platform.home, self._platform.plugins, lambda text: self._progress.step("fleet", text)
        )

    def _subscribe(self) -> None:
        """The subscriber hears everything before the place where the account begins is written down."""
        for path in (self._journal, self._since):
            path.unlink(missing_ok=True)
        arguments = self._arguments("subscribe", "--log", str(self._journal))
        self._subscriber = self._begin("subscriber", _RECONCILER, *arguments)
        self._subscriber.wait_until(lambda: LIVE in journal.marks(self._journal), _STEP_S)
        self._reconciler("offsets", "--out", str(self._since))
        self._prove()

    def _prove(self) -> None:
        """An uplink of each model and through each gateway reaches the subscriber before the traffic starts:
        a path that is broken is told at once. The account includes them."""
        if self.seed is None:
            return
        begun = time.monotonic()
        seed, plugins = self.seed, self._platform.plugins
        some = {d.model: d for d in seed.devices} | {d.gateway: d for d in seed.devices}
        sendings = [single.sending(seed, d, plugins) for d in {d.id: d for d in some.values()}.values()]
        wanted = {str(uplink) for uplink in single.produce(seed.bootstrap_servers, sendings)}

        def reached() -> bool:
            return wanted <= {d.reading["provenance"]["uplink"] for d in journal.delivered(self._journal)}

        self._subscriber.wait_until(reached, _STEP_S)
        took = time.monotonic() - begun
        self._progress.step("path", f"{len(wanted)} first uplinks reached a subscriber in {took:.1f} s")

    def _begin(self, name: str, module: str, *arguments: str) -> ServiceProcess:
        log = self._platform.home.folder("logs") / f"{name}.log"
        process = ServiceProcess(name, [module, *arguments], log, self._environment)
        self._processes.append(process)
        process.start()
        return process

    def _arguments(self, command: str, *more: str) -> list[str]:
        return [command, "--seed-file", str(self._platform.home.demo), *more]

    def _reconciler(self, command: str, *more: str) -> tuple[str, int]:
        """Its stdout and exit code; what it says on stderr goes to ours. Raises StartError where it fails."""
        found = subprocess.run(
            [sys.executable, "-m", _RECONCILER, *self._arguments(command, *more)],
            env=self._environment,
            stdout=subprocess.PIPE,
            text=True,
            timeout=_RECONCILED_S,
            check=False,
        )
        if found.returncode not in (0, 1):
            raise StartError(f"the reconciler ended with code {found.returncode}")
        return found.stdout, found.returncode

    def refresh_token(self) -> None:
        """What runs for hours finds a token that holds."""
        if self.seed is not None:
            self.seed = replace(self.seed, token=token(self._platform.home)["access_token"])
            self._platform.home.write(self._platform.home.demo, msgspec.json.encode(self.seed).decode())

    def account(self) -> tuple[dict[str, Any], bool]:
        """What became of every uplink, and whether all is as it must be. Ends the traffic first."""
        self._platform.release("simulator")
        self._simulator.stop(30)
        self._progress.step("simulator", "stopped; what it sent is being dealt with")
        servers = self._platform.home.running().bootstrap_servers
        wait_drained(servers, _DRAINED_S, lambda text: self._progress.step("backlog", text))
        self._progress.step("reconciler", "compares what was sent with what came of it")
        out, code = self._reconciler(
            "report",
            *("--log", str(self._journal), "--since", str(self._since), "--ready-s", str(self.ready_s)),
        )
        self._progress.step("reconciler", "done")
        report: dict[str, Any] = json.loads(out.splitlines()[-1])
        return report, code == 0

    def close(self) -> None:
        for process in self._processes:
            process.stop()
