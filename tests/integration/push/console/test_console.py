"""The live page in a real browser: what a person sees of a fleet, and what a hostile payload cannot do."""

import asyncio
import json

import pytest
from confluent_kafka import Consumer, TopicPartition

from treaty_chassis.kafka.topics import admin, topic_ids

pytestmark = pytest.mark.xdist_group("push-console")

HOSTILE = '<img src=x onerror="window.hacked=1"><script>window.hacked=1</script>'


def measured(*pairs, unit="1", quality="good"):
    return [{"name": n, "value": v, "unit": unit, "quality": quality} for n, v in pairs]


@pytest.fixture
def fleet(kafka, topic, registry, issuer, workspace, writer):
    """A workspace of two sites and devices of known and unknown models; the first of them has a state."""
    sites = [{"id": "s1", "name": "Office"}, {"id": "s2", "name": "Warehouse"}]
    gateways = [
        {"id": "g1", "site_id": "s1", "network": "chirpstack"},
        {"id": "g2", "site_id": "s2", "network": "native"},
    ]
    devices = [
        {"name": "Meeting room", "model": "decentlab/dl-iam", "gateway_id": "g1", "site_id": None},
        {"name": "Desk", "model": "milesight-iot/am307", "gateway_id": "g1", "site_id": "s1"},
        {"name": HOSTILE, "model": "maker/unheard-of", "gateway_id": "g2", "site_id": None},
    ]
    for n, device in enumerate(devices):
        device |= {"id": f"{workspace}/{n}", "external_id": f"00000000000000a{n}"}
    at = "2026-01-01T00:00:00.000Z"
    state = {
        "device": devices[0]["id"],
        "model": devices[0]["model"],
        "observed_at": at,
        "received_at": at,
        "measurements": measured(("air_temperature", 21.5), unit="Cel"),
        "properties": {},
    }
    consumer = Consumer({"bootstrap.servers": kafka.bootstrap_servers, "group.id": "ends"})
    ends = [consumer.get_watermark_offsets(TopicPartition(topic, p))[1] for p in range(4)]
    consumer.close()
    uuid = topic_ids(admin(kafka.bootstrap_servers), [topic])[topic]
    registry.token = issuer.token(workspace)
    registry.answers.clear()
    registry.put(
        workspace,
        "Headquarters",
        sites=sites,
        gateways=gateways,
        devices=devices,
        states=[state],
        topic=uuid,
        offsets=ends,
    )
    return devices


def card(device):
    return f"article[data-device='{device['id']}']"


async def opened(page, node, registry):
    await page.go(f"{node.http}/#token={registry.token}")
    await page.until("document.querySelector('#status')?.dataset.state === 'live'")


async def shown(page, selector, *texts):
    """Waits until all of it is to be read there."""
    text = f"document.querySelector({json.dumps(selector)}).innerText"
    await page.until(f"{json.dumps(texts)}.every(wanted => {text}.includes(wanted))")


async def test_the_fleet_shows_and_moves_as_readings_arrive(page, node, registry, fleet, writer):
    await opened(page, node, registry)
    await page.until(
        "[...document.querySelectorAll('section h2')].map(h => h.innerText) == 'Office,Warehouse'"
    )
    room = card(fleet[0])
    await shown(
        page, room, "21.5", "Meeting room", "decentlab/dl-iam", "ChirpStack", "Air temperature", "21.5 °C"
    )
    await shown(page, card(fleet[1]), "Waiting for its first reading.")
    for value in (22.25, 23.75):
        body = measured(("air_temperature", value), unit="Cel") + measured(
            ("co2_concentration", 60000), unit="[ppm]", quality="suspect"
        )
        await asyncio.to_thread(
            writer.write,
            3,
            devices=3,
            measurements=body,
            model="decentlab/dl-iam",
            link={"rssi": -71.0, "snr": 8.5},
        )
    await page.until("document.querySelector('#readings').innerText === '6'")
    await shown(
        page, room, "23.75", "60,000 ppm", "suspect", "21.5 to 23.75 °C", "-71 dBm", "CO₂ concentration"
    )
    gauge = f"document.querySelector({json.dumps(room + ' [role=meter]')})"
    await page.until(f"{gauge}.getAttribute('aria-valuetext') === '23.75 °C'")
    await page.until(f"document.querySelector({json.dumps(room)}).querySelectorAll('polyline').length === 2")
    assert [entry for entry in page.said if "/v1/widgets" not in entry.get("url", "")] == []


async def test_nothing_that_is_sent_becomes_markup(page, node, registry, fleet, writer):
    await opened(page, node, registry)
    hostile = {"properties": {HOSTILE: HOSTILE}, "measurements": [], "model": HOSTILE}
    await asyncio.to_thread(writer.write, 3, devices=3, **hostile)
    await page.until("document.querySelector('#readings').innerText === '3'")
    await page.until(f"document.querySelector({json.dumps(card(fleet[2]))}).innerText.includes('onerror')")
    assert await page.js("document.querySelectorAll('#fleet img, #fleet script').length") == 0
    assert await page.js("typeof window.hacked") == "undefined"
    script = "Object.assign(document.createElement('script'), {textContent: 'window.hacked=1'})"
    await page.js(f"document.body.append({script})")
    assert await page.js("typeof window.hacked") == "undefined"


async def test_the_token_leaves_the_address_and_is_forgotten_on_request(page, node, registry, fleet):
    await opened(page, node, registry)
    assert await page.js("location.href") == f"{node.http}/"
    await page.go(f"{node.http}/?again")
    await page.until(
        "location.search === '?again' && document.querySelector('#status').dataset.state === 'live'"
    )
    await page.js("document.querySelector('#leave').click()")
    assert await page.js("sessionStorage.length") == 0
    assert await page.js("document.activeElement.id") == "token"
    assert await page.js("document.querySelectorAll('article').length") == 0


async def test_through_a_kill_of_the_gateway_the_page_misses_nothing(page, node, registry, fleet, writer):
    await opened(page, node, registry)
    await asyncio.to_thread(writer.write, 6, devices=3)
    await page.until("document.querySelector('#readings').innerText === '6'")
    node.kill()
    await page.until("document.querySelector('#status').dataset.state === 'waiting'")
    assert "Connection lost" in await page.text("#status")
    await asyncio.to_thread(writer.write, 6, devices=3)
    await asyncio.to_thread(node.start)
    await page.until("document.querySelector('#status').dataset.state === 'live'")
    await asyncio.to_thread(writer.write, 1)
    await page.until("document.querySelector('#readings').innerText === '13'")


async def test_a_device_registered_meanwhile_appears(page, node, registry, fleet, workspace, writer):
    await opened(page, node, registry)
    fresh = {
        "id": f"{workspace}/3",
        "name": "Newcomer",
        "external_id": "a3",
        "gateway_id": "g2",
        "site_id": None,
    }
    registry.answers[f"/v1/workspaces/{workspace}/devices/{workspace}%2F3"] = fresh | {"model": "maker/one"}
    await asyncio.to_thread(writer.write, 4, devices=4)
    await page.until(f"document.querySelector({json.dumps(card(fresh))})?.innerText.includes('Newcomer')")
    await page.until(f"document.querySelector({json.dumps(card(fresh))}).innerText.includes('Count')")


async def test_devices_are_found_by_words(page, node, registry, fleet):
    await opened(page, node, registry)
    search = "(() => {{ const s = document.querySelector('#search'); s.value = {}; s.oninput(); }})()"
    await page.js(search.format("'chirp room'"))
    shown = "[...document.querySelectorAll('article:not([hidden]) h3')].map(h => h.innerText)"
    assert await page.js(shown) == ["Meeting room"]
    await page.js(search.format("'nothing like it'"))
    assert await page.js(shown) == []
    assert "No device matches" in await page.text("#fleet")


async def test_without_a_token_it_asks_for_one_and_says_when_one_is_refused(page, node, registry, fleet):
    await page.go(f"{node.http}/?fresh")
    await page.until("document.querySelector('#sign-in')?.hidden === false")
    await page.js("sessionStorage.clear()")
    await page.js("document.querySelector('#token').value = 'nonsense'")
    await page.js("document.querySelector('#sign-in').requestSubmit()")
    await page.until("document.querySelector('#notice').innerText.includes('refused or has expired')")
    assert await page.js("document.querySelector('#sign-in').hidden") is False


async def test_an_empty_workspace_and_a_silent_registry_are_told_in_words(
    page, node, registry, fleet, workspace, topic
):
    base = f"/v1/workspaces/{workspace}"
    registry.answers[f"{base}/devices"] = {"items": [], "next": None}
    registry.answers[f"{base}/state"]["states"] = []
    await opened(page, node, registry)
    await page.until(
        "document.querySelector('#fleet').innerText.includes('No devices in this workspace yet')"
    )
    del registry.answers[f"{base}/sites"]
    await page.go(f"{node.http}/?again#token={registry.token}")
    await page.until("document.querySelector('#notice')?.innerText.includes('The registry answered 404')")


@pytest.mark.parametrize(("width", "scheme"), [(360, "light"), (1280, "dark")])
async def test_it_fits_the_screen(page, node, registry, fleet, writer, tmp_path, width, scheme):
    await opened(page, node, registry)
    await asyncio.to_thread(writer.write, 3, devices=3)
    await page.until("document.querySelector('#readings').innerText === '3'")
    picture = await page.screenshot(tmp_path / "page.png", width, 800, scheme)
    assert picture.read_bytes().startswith(b"\x89PNG")
    assert await page.js("document.documentElement.scrollWidth <= innerWidth")
    ground = await page.js("getComputedStyle(document.body).backgroundColor")
    light = sum(map(int, ground.removeprefix("rgb(").rstrip(")").split(", "))) > 3 * 128
    assert light is (scheme == "light")
