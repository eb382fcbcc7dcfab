"""A real browser, driven by its DevTools protocol, and a registry for the console to ask."""

import asyncio
import itertools
import json
import os
import re
import shutil
import subprocess
from base64 import b64decode
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread

import httpx
import pytest
from websockets.asyncio.client import connect

FLAGS = (
    *("--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-sync"),
    *("--disable-background-networking", "--disable-component-update", "--disable-dev-shm-usage"),
    *("--remote-debugging-port=0", "--window-size=1280,900", "about:blank"),
)


@pytest.fixture(scope="session")
def browser(tmp_path_factory):
    """The base URL of a headless Chromium's DevTools."""
    names = ("chromium", "chromium-browser", "google-chrome", "chrome")
    program = os.environ.get("TREATY_BROWSER") or next(filter(None, map(shutil.which, names)), None)
    if program is None:
        pytest.fail("no Chromium: run scripts/browser, or name one in TREATY_BROWSER")
    profile = tmp_path_factory.mktemp("profile")
    process = subprocess.Popen(
        [program, *FLAGS, f"--user-data-dir={profile}"], stderr=subprocess.PIPE, text=True
    )
    for line in process.stderr:
        found = re.search(r"DevTools listening on ws://([^/]+)/", line)
        if found:
            break
    else:
        pytest.fail(f"{program} did not start")
    drain = Thread(target=process.stderr.read, daemon=True)
    drain.start()
    yield f"http://{found[1]}"
    process.terminate()
    process.wait(PATIENCE_S)


class PageError(AssertionError):
    """The page threw, or was not there to be asked: it was being left."""


PATIENCE_S = 120


class Page:
    """One tab. `said` is everything it logged, threw or was refused."""

    def __init__(self, ws):
        self.ws, self.said = ws, []
        self._ids, self._waiting = itertools.count(1), {}
        self._reader = asyncio.create_task(self._read())

    async def _read(self):
        async for text in self.ws:
            message = json.loads(text)
            if "id" in message:
                answer = self._waiting.pop(message["id"])
                if not answer.done():
                    answer.set_result(message)
            elif message["method"] == "Runtime.exceptionThrown":
                self.said.append(message["params"]["exceptionDetails"])
            elif message["method"] == "Log.entryAdded":
                self.said.append(message["params"]["entry"])

    async def call(self, method, **params):
        number = next(self._ids)
        answer = self._waiting[number] = asyncio.get_running_loop().create_future()
        await self.ws.send(json.dumps({"id": number, "method": method, "params": params}))
        found = await asyncio.wait_for(answer, PATIENCE_S)
        if "error" in found:
            raise PageError(found["error"])
        return found["result"]

    async def go(self, url):
        await self.call("Page.navigate", url=url)

    async def js(self, expression):
        """The value of an expression in the page; raises what it throws."""
        found = await self.call(
            "Runtime.evaluate", expression=expression, awaitPromise=True, returnByValue=True
        )
        if "exceptionDetails" in found:
            raise PageError(found["exceptionDetails"])
        return found["result"].get("value")

    async def until(self, expression):
        """Waits until an expression is true in the page. One that throws is not: what it names is not there
        yet, or the page is being left."""
        async with asyncio.timeout(PATIENCE_S):
            while not await self._holds(expression):  # noqa: ASYNC110 - the browser does not tell
                await asyncio.sleep(0.02)

    async def _holds(self, expression):
        try:
            return await self.js(expression)
        except PageError:
            return False

    async def text(self, selector="body"):
        return await self.js(f"document.querySelector({json.dumps(selector)})?.innerText")

    async def screenshot(self, path, width=1280, height=900, scheme="light"):
        await self.call(
            "Emulation.setEmulatedMedia", features=[{"name": "prefers-color-scheme", "value": scheme}]
        )
        await self.call(
            "Emulation.setDeviceMetricsOverride",
            width=width,
            height=height,
            deviceScaleFactor=1,
            mobile=False,
        )
        shot = await self.call("Page.captureScreenshot", format="png")
        path.write_bytes(b64decode(shot["data"]))
        return path


@pytest.fixture
async def page(browser):
    async with httpx.AsyncClient(timeout=PATIENCE_S) as client:
        tab = (await client.put(f"{browser}/json/new?about:blank")).json()
    async with connect(tab["webSocketDebuggerUrl"], max_size=None, proxy=None) as ws:
        found = Page(ws)
        for domain in ("Page", "Runtime", "Log"):
            await found.call(f"{domain}.enable")
        yield found
        found._reader.cancel()
    async with httpx.AsyncClient(timeout=PATIENCE_S) as client:
        await client.get(f"{browser}/json/close/{tab['id']}")


class ConsoleRegistry:
    """The registry's answers to the console, from dictionaries; every path needs the token it expects."""

    def __init__(self):
        self.token, self.answers = None, {}
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def do_OPTIONS(self):
                self._answer(204, None)

            def do_GET(self):
                if self.headers.get("authorization") != f"Bearer {outer.token}":
                    self._answer(401, {"detail": "no"})
                    return
                body = outer.answers.get(self.path.partition("?")[0])
                self._answer(
                    404 if body is None else 200, {"detail": "nothing is here"} if body is None else body
                )

            def _answer(self, status, body):
                data = json.dumps(body).encode()
                self.send_response(status)
                self.send_header("content-type", "application/json")
                self.send_header("content-length", str(len(data)))
                self.send_header("access-control-allow-origin", "*")
                self.send_header("access-control-allow-headers", "authorization")
                self.end_headers()
                self.wfile.write(data)

            def log_message(self, *_):
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}"
        Thread(target=self.server.serve_forever, daemon=True).start()

    def put(self, workspace, name, *, sites=(), gateways=(), devices=(), states=(), topic=None, offsets=()):
        """A workspace and all that is in it."""
        base = f"/v1/workspaces/{workspace}"
        listed = self.answers.setdefault("/v1/workspaces", {"items": [], "next": None})
        listed["items"] = [w for w in listed["items"] if w["id"] != workspace] + [
            {"id": workspace, "name": name}
        ]
        for kind, items in (("sites", sites), ("gateways", gateways), ("devices", devices)):
            self.answers[f"{base}/{kind}"] = {"items": list(items), "next": None}
        for device in devices:
            self.answers[f"{base}/devices/{device['id']}"] = device
        offsets = {"topic_uuid": str(topic), "partitions": {str(p): o for p, o in enumerate(offsets)}}
        self.answers[f"{base}/state"] = {"states": list(states), "offsets": offsets}


@pytest.fixture(scope="module")
def registry():
    found = ConsoleRegistry()
    yield found
    found.server.shutdown()
