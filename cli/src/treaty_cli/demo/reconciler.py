"""Compares what the demo's fleet sent with what came of it, in a process that shares nothing with it.

    python -m treaty_cli.demo.reconciler subscribe --seed-file F --log L        until SIGTERM
    python -m treaty_cli.demo.reconciler offsets --seed-file F --out O          where the run begins
    python -m treaty_cli.demo.reconciler report --seed-file F --log L --since O --ready-s 12.3

In this order: the subscriber's log says `live`, then the offsets are taken, then the simulator starts. The
report is made once the simulator has stopped, the subscriber still running. It reads every topic of the
data path with read_committed and waits, up to --patience seconds, for what is still under way.

The last line of `report` is one JSON object; what is wrong is said on stderr, a line each. Exits 1 when
anything is missing, twice or wrong.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import sys
import time
from pathlib import Path
from typing import Final

from confluent_kafka import KafkaException

from treaty_chassis.kafka.port import FatalError
from treaty_chassis.telemetry import configure_logging
from treaty_cli.demo import corpora, records, subscriber
from treaty_cli.demo.corpora import CorpusError
from treaty_cli.demo.expectation import Expectations
from treaty_cli.demo.journal import delivered
from treaty_cli.demo.reconciliation import reconcile
from treaty_cli.demo.report import Report
from treaty_cli.demo.seed import SeedError, load
from treaty_push_gateway.client import StreamError

__all__ = ["account_for", "main"]

AGAIN_S: Final = 0.5


def account_for(
    seed_file: Path, plugins: Path, log: Path, since: records.Offsets, patience_s: float
) -> Report:
    """The report, read again until it is clean or patience ends."""
    seed = load(seed_file)
    names = {d.corpus for d in seed.devices} | {u.corpus for u in seed.unknown}
    expectations = Expectations(seed, corpora.load(names, plugins))
    reader = records.Reader(seed.bootstrap_servers, since)
    end = time.monotonic() + patience_s
    while True:
        account = reader.read()
        account.deliveries = delivered(log)
        report = reconcile(account, expectations.of)
        if report.clean or time.monotonic() >= end:
            return report
        time.sleep(AGAIN_S)


def main(arguments: list[str] | None = None) -> int:
    options = _parser().parse_args(arguments)
    configure_logging("reconciler", os.environ.get("TREATY_LOG_LEVEL", "INFO"))
    try:
        if options.command == "subscribe":
            asyncio.run(subscriber.subscribe(options.seed_file, options.log))
            return 0
        if options.command == "offsets":
            records.save_offsets(options.out, records.ends(load(options.seed_file).bootstrap_servers))
            return 0
        since = records.load_offsets(options.since)
        report = account_for(options.seed_file, options.plugins, options.log, since, options.patience)
    except (SeedError, CorpusError, StreamError, KafkaException, FatalError, OSError, ValueError) as error:
        sys.stderr.write(f"{type(error).__name__}: {error}\n")
        return 2
    for fault in report.faults:
        sys.stderr.write(fault + "\n")
    sys.stdout.write(json.dumps(report.to_json(options.ready_s)) + "\n")
    return 0 if report.clean else 1


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m treaty_cli.demo.reconciler",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    commands = parser.add_subparsers(dest="command", required=True)
    subscribe = commands.add_parser("subscribe", help="log what the push gateway delivers")
    offsets = commands.add_parser("offsets", help="write down where the run begins")
    report = commands.add_parser("report", help="compare, and print one JSON object")
    for command in (subscribe, offsets, report):
        command.add_argument("--seed-file", type=Path, required=True, help="written by `treaty demo`")
    for command in (subscribe, report):
        command.add_argument("--log", type=Path, required=True, help="the subscriber's journal")
    offsets.add_argument("--out", type=Path, required=True)
    report.add_argument("--since", type=Path, required=True, help="written by `offsets`")
    report.add_argument("--ready-s", type=float, default=None, help="passed on into the object")
    report.add_argument("--patience", type=float, default=20.0, help="seconds to wait for what is under way")
    plugins = Path(os.environ.get("TREATY_PLUGINS_DIR", "plugins"))
    report.add_argument("--plugins", type=Path, default=plugins, help="folder of the plugins' packages")
    return parser


if __name__ == "__main__":
    sys.exit(main())
