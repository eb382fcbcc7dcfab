// Wires the console: token, fleet, stream, cards.

import { Cards } from "./cards.js";
import { Device } from "./device.js";
import { element, write } from "./dom.js";
import { ApiError, Registry, Widgets, config } from "./fleet.js";
import { Stream } from "./stream.js";
import { countText } from "./values.js";

const TOKEN = "treaty-token";
const $ = (id) => document.getElementById(id);
const cards = new Cards($("fleet"));
const widgets = new Widgets();
const state = { registry: null, workspace: null, fleet: null, devices: new Map(), asked: new Set(), stream: null, run: 0, count: 0, recent: [] };

/** The token of the address's fragment moves to this tab's storage, and out of the address. */
function token() {
  const given = new URLSearchParams(location.hash.slice(1)).get("token");
  if (given) {
    sessionStorage.setItem(TOKEN, given);
    history.replaceState(null, "", location.pathname + location.search);
  }
  return sessionStorage.getItem(TOKEN);
}

function notice(text) {
  write($("notice"), text);
  $("notice").hidden = !text;
}

function status(name, text) {
  $("status").dataset.state = name;
  write($("status"), text);
}

function signIn(why = "") {
  stop();
  sessionStorage.removeItem(TOKEN);
  notice(why);
  status("idle", "Not connected");
  for (const id of ["leave", "figures", "searching", "workspaces"]) $(id).hidden = true;
  $("sign-in").hidden = false;
  $("token").focus();
}

function stop() {
  state.run += 1;
  state.stream?.close();
  state.stream = null;
  state.devices.clear();
  state.asked.clear();
  cards.clear();
}

const because = (error) =>
  error.status === 0 ? "The registry does not answer." : `The registry answered ${error.status}: ${error.message}.`;

/** Runs until it succeeds. Null when the token is refused, or when the page has turned to something else. */
async function insist(work) {
  const { run } = state;
  for (let pause = 500; ; pause = Math.min(pause * 2, 10_000)) {
    try {
      const found = await work();
      if (run !== state.run) return null;
      notice("");
      return found;
    } catch (error) {
      if (!(error instanceof ApiError)) throw error;
      if (run !== state.run) return null;
      if (error.status === 401) {
        signIn("The token was refused or has expired. Paste a fresh one.");
        return null;
      }
      notice(`${because(error)} Trying again.`);
      await new Promise((done) => setTimeout(done, pause));
      if (run !== state.run) return null;
    }
  }
}

async function start() {
  const bearer = token();
  if (!bearer) return signIn();
  $("sign-in").hidden = true;
  $("leave").hidden = false;
  status("connecting", "Connecting");
  const found = await insist(config);
  if (!found) return undefined;
  state.registry = new Registry(found.registry_url, bearer);
  const workspaces = await insist(() => state.registry.workspaces());
  if (!workspaces) return undefined;
  if (!workspaces.length) {
    status("idle", "Not connected");
    return notice("The token covers no workspace. Ask for one that does, or create a workspace.");
  }
  $("workspace").replaceChildren(...workspaces.map((w) => element("option", { value: w.id }, w.name)));
  $("workspaces").hidden = false;
  const url = new URL(found.stream, location.href);
  url.protocol = url.protocol === "https:" ? "wss:" : "ws:";
  $("workspace").onchange = () => show($("workspace").value, url, bearer);
  return show(workspaces[0].id, url, bearer);
}

async function show(workspace, url, bearer) {
  stop();
  state.workspace = workspace;
  const { run } = state;
  const fleet = await insist(() => state.registry.fleet(workspace));
  if (!fleet) return;
  state.fleet = fleet;
  for (const id of ["figures", "searching"]) $(id).hidden = false;
  const about = [...state.fleet.devices.values()].sort((a, b) => a.name.localeCompare(b.name));
  await Promise.all(about.map((a) => a.model).filter((m, n, all) => all.indexOf(m) === n).map((m) => widgets.of(m)));
  for (const a of about) await put(of(a.id), a);
  if (run !== state.run) return;
  cards.say("No devices in this workspace yet. Register one, or approve one that has been heard in the inbox.");
  state.stream = new Stream(url, bearer, workspace, {
    snapshot: (states) => states.forEach((s) => change(s.device, (device) => device.restore(s))),
    readings: (readings) => {
      count(readings.length);
      for (const r of readings) change(r.device, (device) => device.take(r));
    },
    status: streamed,
  });
  state.stream.open();
}

function of(id) {
  if (!state.devices.has(id)) state.devices.set(id, new Device(id));
  return state.devices.get(id);
}

function change(id, how) {
  const device = of(id);
  how(device);
  if (cards.has(id)) cards.touch(id);
  else meet(device);
}

/** A device that registered after the page was opened. */
async function meet(device) {
  if (state.asked.has(device.id)) return;
  state.asked.add(device.id);
  const about = await state.registry.device(state.workspace, device.id).catch(() => null);
  await put(device, about);
  cards.say();
}

async function put(device, about) {
  device.about = about;
  device.model ||= about?.model ?? "";
  const gateway = state.fleet.gateways.get(about?.gateway_id);
  const site = state.fleet.sites.get(about?.site_id ?? gateway?.site_id);
  const known = await widgets.of(device.model);
  if (state.devices.get(device.id) !== device) return;
  cards.put(device, { known, site: site?.name ?? "Elsewhere", network: gateway?.network });
}

function streamed(name, detail) {
  if (name === "live") status("live", "Live");
  else if (name === "connecting") status("connecting", state.count ? "Reconnecting" : "Connecting");
  else if (name === "waiting") status("waiting", detail < 1 ? "Connection lost, trying again" : `Connection lost, trying again in ${Math.ceil(detail)} s`);
  else if (detail.code === "token_expired" || detail.code === "unauthenticated") signIn("The token was refused or has expired. Paste a fresh one.");
  else {
    status("ended", "Stopped");
    notice(`The stream ended: ${detail.detail} (${detail.code}).`);
  }
}

function count(readings) {
  state.count += readings;
  state.recent.push([Date.now(), readings]);
}

function tell() {
  const now = Date.now();
  while (state.recent.length && now - state.recent[0][0] > 5000) state.recent.shift();
  const rate = state.recent.reduce((sum, [, n]) => sum + n, 0) / 5;
  const heard = [...state.devices.values()].filter((device) => device.heardAt !== null).length;
  write($("readings"), countText(state.count));
  write($("rate"), countText(Math.round(rate)));
  write($("heard"), `${countText(heard)} of ${countText(state.devices.size)}`);
  cards.age();
}

$("sign-in").onsubmit = (event) => {
  event.preventDefault();
  sessionStorage.setItem(TOKEN, $("token").value.trim());
  $("token").value = "";
  notice("");
  start();
};
$("leave").onclick = () => signIn();
$("search").oninput = () => cards.filter($("search").value);
window.onhashchange = () => {
  if (location.hash.startsWith("#token=")) {
    stop();
    start();
  }
};
setInterval(tell, 1000);
start();
