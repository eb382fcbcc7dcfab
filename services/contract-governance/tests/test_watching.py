"""What the control topics tell ends up in the database, once; what cannot be read is kept with its reason."""

from dataclasses import dataclass, field, replace

import pytest
from sqlalchemy import select

from treaty_contract_governance.plugins.model import Verdict
from treaty_contract_governance.plugins.reports import Reports
from treaty_contract_governance.plugins.store import Decisions
from treaty_contract_governance.tables import device as devices
from treaty_contract_governance.tables import rejected
from treaty_contract_governance.watching.records import read
from treaty_contract_governance.watching.store import Watched
from treaty_events.codec import encode
from treaty_events.decisions import PluginReported
from treaty_events.fleet import DeviceChanged, Lifecycle


@dataclass
class Record:
    key: bytes | None
    value: bytes | None
    offset: int = 0
    topic: str = "device.changed.v1"
    partition: int = 0
    headers: tuple = field(default=(("ce_id", b"1"), ("odd", None), ("odder", b"\xff")))


def changed(plugin, version, key="d1"):
    return DeviceChanged(
        device=key,
        workspace="w",
        site="s",
        gateway="g",
        external_id="00",
        model="m/m",
        plugin=plugin,
        lifecycle=Lifecycle.ACTIVE,
        version=version,
    )


def record(plugin, version, offset=0, key="d1"):
    return Record(key.encode(), encode(changed(plugin, version, key)), offset)


def reported(count, kind="violation", detail="celsius"):
    return PluginReported(
        "decentlab", "1.0.0", "sha256:" + "a" * 64, "0", kind, detail, "2026-01-02T03:04:05.678Z", count
    )


async def uses(engine):
    async with engine.connect() as connection:
        found = await connection.execute(
            select(devices.c.device, devices.c.plugin).order_by(devices.c.device)
        )
        return [tuple(row) for row in found]


async def test_the_plugin_of_each_device_is_kept(engine):
    watched = Watched(engine)
    batch = [record("decentlab", 1), record("netvox", 1, 1, "d2"), record("milesight", 2, 2)]
    await watched.devices(read(DeviceChanged, batch))
    assert await uses(engine) == [("d1", "milesight"), ("d2", "netvox")]
    await watched.devices(read(DeviceChanged, [Record(b"d1", None)]))
    assert await uses(engine) == [("d2", "netvox")]


async def test_an_older_version_is_ignored(engine):
    watched = Watched(engine)
    await watched.devices(read(DeviceChanged, [record("new", 5)]))
    await watched.devices(read(DeviceChanged, [record("old", 4)]))
    assert await uses(engine) == [("d1", "new")]


@pytest.mark.parametrize(
    ("bad", "told"),
    [
        (Record(None, b"{}", 7), "no key"),
        (Record(b"d1", b"{", 7), "no DeviceChanged"),
        (Record(b"d1", b'{"device": 1}', 7), "$.device"),
        (Record(b"\xff", None, 7), "not UTF-8"),
        (Record(b"d1", encode(changed("a\x00b", 1)), 7), "NUL"),
    ],
)
async def test_a_record_that_cannot_be_read_is_kept_whole_and_passed(engine, bad, told):
    watched = Watched(engine)
    for _ in range(2):
        await watched.devices(read(DeviceChanged, [bad, record("decentlab", 1, 8, "d2")]))
    assert await uses(engine) == [("d2", "decentlab")]
    async with engine.connect() as connection:
        (row,) = await connection.execute(select(rejected))
    assert (row.topic, row.offset, row.key, row.value) == (bad.topic, 7, bad.key, bad.value)
    assert told in row.reason


async def test_reports_are_summed_and_count_once(engine):
    watched, reports = Watched(engine), Reports(engine)
    batch = [
        Record(b"decentlab", encode(reported(2)), 3, "plugin.reported.v1"),
        Record(b"decentlab", encode(reported(1, detail="kelvin")), 4, "plugin.reported.v1"),
        Record(b"decentlab", encode(reported(1, "drift")), 5, "plugin.reported.v1"),
    ]
    for _ in range(2):
        await watched.reports(read(PluginReported, batch))
    found = {report.kind: report for report in await reports.of("decentlab")}
    assert (found["violation"].count, found["violation"].detail) == (3, "kelvin")
    assert found["drift"].count == 1
    assert found["drift"].last_at == "2026-01-02T03:04:05.678Z"


async def test_reports_of_a_topic_that_begins_anew_count_once_too(engine):
    watched, reports = Watched(engine), Reports(engine)
    old = Record(b"decentlab", encode(reported(2)), 900, "plugin.reported.v1")
    later = replace(reported(1), reported_at="2026-01-02T03:04:06.000Z")
    new = Record(b"decentlab", encode(later), 0, "plugin.reported.v1")
    for record in (old, old, new, new):
        await watched.reports(read(PluginReported, [record]))
    ((report),) = await reports.of("decentlab")
    assert report.count == 3


async def test_a_report_past_the_budget_quarantines_once_and_a_reinstatement_stands(engine, verdict):
    decisions, watched = Decisions(engine), Watched(engine)
    await decisions.judge(Verdict.model_validate(verdict()), "ada")
    told = replace(reported(1, "budget_exceeded"), reported_at="2199-01-02T03:04:05.678Z")
    record = Record(b"decentlab", encode(told), 9, "plugin.reported.v1")
    await watched.reports(read(PluginReported, [record, record]))
    now = await decisions.one("decentlab")
    assert (now.state, now.version, now.decided_by) == ("quarantined", 2, "workers' reports")

    await decisions.reinstate("decentlab", "seen to", "ada")
    await watched.reports(read(PluginReported, [record]))
    assert (await decisions.one("decentlab")).state == "admitted", "delivered again, it is no new report"


async def test_a_report_on_a_plugin_nobody_knows_is_kept_and_decides_nothing(engine):
    told = reported(1, "budget_exceeded")
    await Watched(engine).reports(
        read(PluginReported, [Record(b"decentlab", encode(told), 1, "plugin.reported.v1")])
    )
    assert await Decisions(engine).one("decentlab") is None
    assert [report.kind for report in await Reports(engine).of("decentlab")] == ["budget_exceeded"]


async def test_a_topic_is_due_once_a_plugin_is_admitted_and_in_use(engine, verdict):
    decisions, watched = Decisions(engine), Watched(engine)
    await watched.devices(read(DeviceChanged, [record("decentlab", 1)]))
    assert await decisions.unprovided() == []
    await decisions.judge(Verdict.model_validate(verdict(admitted=False)), "ada")
    assert await decisions.unprovided() == []
    await decisions.judge(Verdict.model_validate(verdict()), "ada")
    await decisions.judge(Verdict.model_validate(verdict(plugin="unused")), "ada")
    assert await decisions.unprovided() == ["decentlab"]
    assert await decisions.states() == {"admitted": 2, "quarantined": 0, "refused": 0}
    await decisions.provide("decentlab", "uplink.accepted.decentlab.v1")
    assert await decisions.unprovided() == []
    now = await decisions.one("decentlab")
    assert (now.topic, now.version, now.decided_by) == (
        "uplink.accepted.decentlab.v1",
        3,
        "treaty/contract-governance",
    )
