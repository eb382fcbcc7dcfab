// A section a site, a card a device, drawn at most once a frame.

import { element, write } from "./dom.js";
import { agoText, networkText, numberText } from "./values.js";
import { WidgetView } from "./widgets.js";

const QUIET_MS = 10 * 60_000;
const FRESH = [{ borderColor: "var(--accent)", boxShadow: "0 0 0 3px var(--accent-soft)" }, {}];
const still = matchMedia("(prefers-reduced-motion: reduce)");

class Card {
  constructor(device, known) {
    this.device = device;
    this.view = new WidgetView(device, known);
    this.name = element("h3");
    this.ago = element("time", { class: "ago" });
    this.model = element("span", { class: "model" });
    this.network = element("span", { class: "network" });
    this.empty = element("p", { class: "empty" }, "Waiting for its first reading.");
    this.foot = element("p", { class: "foot" });
    this.node = element(
      "article",
      { class: "card" },
      element("header", {}, element("div", { class: "title" }, this.name, this.ago), element("p", { class: "kind" }, this.model, " ", this.network)),
      this.empty,
      this.view.node,
      this.foot,
    );
    this.node.dataset.device = device.id;
    this.shown = 0;
  }

  describe(network) {
    const { device } = this;
    const name = device.about?.name || device.about?.external_id || device.id;
    write(this.name, name);
    write(this.model, device.model || device.about?.model || "unknown model");
    write(this.network, network ? networkText(network) : "");
    this.network.hidden = !network;
    this.node.setAttribute("aria-label", name);
    this.words = [name, device.about?.external_id, device.id, this.model.textContent, network, this.network.textContent].join(" ").toLowerCase();
  }

  update() {
    const { device } = this;
    this.empty.hidden = device.latest.size > 0;
    this.view.update();
    const link = device.link ?? {};
    const facts = [device.about?.external_id ?? device.id];
    if (typeof link.rssi === "number") facts.push(`${numberText(link.rssi)} dBm`);
    if (typeof link.snr === "number") facts.push(`SNR ${numberText(link.snr)} dB`);
    write(this.foot, facts.join(" · "));
    if (device.events > this.shown) {
      this.shown = device.events;
      if (!still.matches) this.node.animate(FRESH, 1100);
    }
  }

  age(now) {
    const { heardAt } = this.device;
    write(this.ago, heardAt === null ? "" : agoText(heardAt, now));
    if (heardAt !== null) this.ago.dateTime = new Date(heardAt).toISOString();
    this.node.dataset.heard = heardAt === null ? "never" : now - heardAt > QUIET_MS ? "long-ago" : "lately";
  }
}

/** The devices' place on the page. */
export class Cards {
  #root; #cards = new Map(); #sites = new Map(); #dirty = new Set(); #frame = 0; #wanted = "";
  #nothing = element("p", { class: "nothing" });

  constructor(root) {
    this.#root = root;
  }

  clear() {
    this.#cards.clear();
    this.#sites.clear();
    this.#dirty.clear();
    this.#root.replaceChildren();
  }

  /** Adds a device, or describes it anew. `known` is its model's widget, `site` a name. */
  put(device, { known, site, network }) {
    let card = this.#cards.get(device.id);
    if (!card) {
      card = new Card(device, known);
      this.#cards.set(device.id, card);
      this.#section(site).append(card.node);
    }
    card.describe(network);
    card.age(Date.now());
    this.touch(device.id);
    this.#show(card);
  }

  has(id) {
    return this.#cards.has(id);
  }

  /** The device has changed: it is drawn with the next frame. */
  touch(id) {
    this.#dirty.add(id);
    this.#frame ||= requestAnimationFrame(() => {
      this.#frame = 0;
      for (const dirty of this.#dirty) this.#cards.get(dirty)?.update();
      this.#dirty.clear();
    });
  }

  age() {
    const now = Date.now();
    for (const card of this.#cards.values()) card.age(now);
  }

  /** Shows the cards whose words include all of the text's. */
  filter(text) {
    this.#wanted = text.trim().toLowerCase();
    for (const card of this.#cards.values()) this.#show(card);
    this.say();
  }

  /** Says in words why there is nothing to see. */
  say(emptiness = "") {
    const shown = [...this.#cards.values()].some((card) => !card.node.hidden);
    const text = shown ? "" : this.#cards.size ? `No device matches “${this.#wanted}”.` : emptiness;
    write(this.#nothing, text);
    if (text) this.#root.append(this.#nothing);
    else this.#nothing.remove();
  }

  #show(card) {
    card.node.hidden = !this.#wanted.split(/\s+/).every((word) => card.words.includes(word));
    const section = card.node.closest("section");
    section.hidden = !section.querySelector(".card:not([hidden])");
  }

  #section(site) {
    let grid = this.#sites.get(site);
    if (!grid) {
      grid = element("div", { class: "grid" });
      this.#sites.set(site, grid);
      const section = element("section", { "aria-label": site }, element("h2", {}, site), grid);
      const after = [...this.#root.querySelectorAll("section")].find((s) => s.getAttribute("aria-label").localeCompare(site) > 0);
      this.#root.insertBefore(section, after ?? null);
    }
    return grid;
  }
}
