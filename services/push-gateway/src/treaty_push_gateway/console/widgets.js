// The widget DSL, version 1: {"version": 1, "layout": {"vertical": {"elements": [{"tag", "tracker", ...}]}}}.
// `tracker` names a measurement or property. Elements of tags unknown here are left out, as are those whose
// tracker the device has not sent yet: one widget serves a family.

import { element, svg, write } from "./dom.js";
import { nameText, numberText, propertyText, unitText } from "./values.js";

const VERSION = 1;
const ROWS = 4;
const WIDTH = 240;
const HEIGHT = 44;
// Where a quantity is usually met: a gauge over all that is plausible would hardly move.
const SCALES = {
  temperature: [-20, 50], relative_humidity: [0, 100], water_content: [0, 100], carbon_dioxide: [400, 2000],
  barometric_pressure: [95_000, 105_000], illuminance: [0, 2000], volatile_organics: [0, 1000],
  mass_concentration: [0, 100], battery_level: [0, 100], sound_level: [30, 100], current: [0, 100],
};

/** The card's body for a device: `update()` brings it to what the device last said. */
export class WidgetView {
  #device; #known; #parts = []; #drawn = "";

  constructor(device, known) {
    this.#device = device;
    this.#known = known;
    this.node = element("div", { class: "widget" });
  }

  update() {
    const elements = layout(this.#known, this.#device).filter((e) => e.tag in TAGS && this.#device.latest.has(e.tracker));
    const wanted = elements.map((e) => `${e.tag} ${e.tracker}`).join();
    if (wanted !== this.#drawn) {
      this.#drawn = wanted;
      this.#draw(elements);
    }
    for (const part of this.#parts) part.update(this.#device);
  }

  #draw(elements) {
    this.#parts = elements.map((e) => TAGS[e.tag](e, this.#known?.measurements?.[e.tracker]));
    const tiles = element("div", { class: "tiles" });
    const rows = element("dl", { class: "rows" });
    const more = element("dl", { class: "rows" });
    for (const part of this.#parts) {
      if (!part.row) tiles.append(part.node);
      else (rows.childElementCount < ROWS ? rows : more).append(part.node);
    }
    const gauges = tiles.querySelectorAll(".gauge");
    if (gauges.length % 2) gauges[gauges.length - 1].classList.add("wide");
    this.node.replaceChildren(...[tiles, rows].filter((list) => list.childElementCount));
    if (more.childElementCount) {
      const summary = element("summary", {}, `${more.childElementCount} more`);
      this.node.append(element("details", {}, summary, more));
    }
  }
}

/** The plugin's elements, or ones made up from what the device sends. */
function layout(known, device) {
  const elements = known?.widget?.version === VERSION ? known.widget.layout?.vertical?.elements : null;
  if (Array.isArray(elements)) return elements;
  const numbers = [...device.latest].filter(([, held]) => held.unit !== undefined).map(([name]) => name);
  const others = [...device.latest.keys()].filter((name) => !numbers.includes(name));
  return [
    ...numbers.slice(0, 1).map((tracker) => ({ tag: "sparkline", tracker })),
    ...numbers.map((tracker) => ({ tag: "value", tracker })),
    ...others.map((tracker) => ({ tag: "text", tracker })),
  ];
}

const valueText = (held) =>
  typeof held.value === "number" && held.unit !== undefined
    ? `${numberText(held.value)} ${unitText(held.unit)}`.trim()
    : propertyText(held.value);

/** Marks what is not simply good, in words. */
function mark(node, held) {
  const quality = held.quality ?? "good";
  node.hidden = quality === "good";
  node.className = `quality ${quality === "suspect" ? "bad" : "odd"}`;
  write(node, quality === "good" ? "" : quality);
}

function gauge(description, promise) {
  const label = nameText(description.tracker);
  const [low, high] = description.range ?? SCALES[promise?.quantity] ?? [promise?.low ?? 0, promise?.high ?? 100];
  const value = element("span", { class: "number" });
  const unit = element("span", { class: "unit" });
  const quality = element("span", { class: "quality", hidden: "" });
  const meter = element("div", { class: "meter", role: "meter", "aria-label": label, "aria-valuemin": low, "aria-valuemax": high });
  const fill = element("div");
  meter.append(fill);
  const node = element("div", { class: "tile gauge" }, element("span", { class: "label" }, label), quality, element("p", {}, value, " ", unit), meter);
  return {
    node,
    update(device) {
      const held = device.latest.get(description.tracker);
      write(value, numberText(held.value));
      write(unit, unitText(held.unit ?? ""));
      mark(quality, held);
      const share = Math.min(1, Math.max(0, (held.value - low) / (high - low || 1)));
      fill.style.width = `${(share * 100).toFixed(1)}%`;
      meter.classList.toggle("outside", held.value < low || held.value > high);
      meter.setAttribute("aria-valuenow", Math.min(high, Math.max(low, held.value)));
      meter.setAttribute("aria-valuetext", valueText(held));
    },
  };
}

function sparkline(description) {
  const label = nameText(description.tracker);
  const line = svg("polyline", { class: "line" });
  const area = svg("polygon", { class: "area" });
  const chart = svg("svg", { viewBox: `0 0 ${WIDTH} ${HEIGHT}`, role: "img", preserveAspectRatio: "none" });
  chart.append(area, line);
  const range = element("span", { class: "range" });
  const node = element("div", { class: "tile sparkline" }, element("span", { class: "label" }, label), range, chart);
  return {
    node,
    update(device) {
      const history = device.history.get(description.tracker) ?? [];
      const unit = unitText(device.latest.get(description.tracker).unit ?? "");
      const low = Math.min(...history);
      const high = Math.max(...history);
      const few = history.length < 2;
      write(range, few ? "waiting for more" : low === high ? `steady at ${numberText(low)} ${unit}`.trim() : `${numberText(low)} to ${numberText(high)} ${unit}`.trim());
      chart.setAttribute("aria-label", `${label}, last ${history.length}: ${range.textContent}`);
      const points = (few ? [history[0] ?? 0, history[0] ?? 0] : history).map((value, n, all) => {
        const x = (n / (all.length - 1)) * WIDTH;
        const y = low === high ? HEIGHT / 2 : HEIGHT - 4 - ((value - low) / (high - low)) * (HEIGHT - 8);
        return `${x.toFixed(1)},${y.toFixed(1)}`;
      });
      line.setAttribute("points", points.join(" "));
      area.setAttribute("points", `0,${HEIGHT} ${points.join(" ")} ${WIDTH},${HEIGHT}`);
      chart.classList.toggle("few", few);
    },
  };
}

function row(description) {
  const value = element("span");
  const quality = element("span", { class: "quality", hidden: "" });
  const node = element("div", {}, element("dt", {}, nameText(description.tracker)), element("dd", {}, quality, " ", value));
  return {
    node,
    row: true,
    update(device) {
      const held = device.latest.get(description.tracker);
      write(value, valueText(held));
      mark(quality, held);
    },
  };
}

/** Shows a state. Its listener's actions come with the registry's actions; until then it cannot be thrown. */
function toggle(description) {
  const value = element("span", { class: "switch", role: "switch", "aria-disabled": "true", "aria-label": nameText(description.tracker) });
  const node = element("div", {}, element("dt", {}, nameText(description.tracker)), element("dd", {}, value));
  return {
    node,
    row: true,
    update(device) {
      const { value: state } = device.latest.get(description.tracker);
      const on = state === true || state === 1 || (typeof state === "string" && state.toLowerCase() === "on");
      value.setAttribute("aria-checked", on);
      write(value, on ? "On" : "Off");
    },
  };
}

const TAGS = { gauge, sparkline, value: row, text: row, switch: toggle };
