// What is known of one device, and the rule by which newer replaces older.

const HISTORY = 60;

/** The latest of each name, and the last numbers of each. No page in here. */
export class Device {
  constructor(id) {
    this.id = id;
    this.about = null;
    this.model = "";
    this.latest = new Map();
    this.history = new Map();
    this.heardAt = null;
    this.link = null;
    this.events = 0;
  }

  /** The registry's state: where a card starts. */
  restore(state) {
    this.model = state.model ?? this.model;
    for (const m of state.measurements ?? []) {
      this.#set(m.name, m.observed_at ?? state.observed_at, { value: m.value, unit: m.unit, quality: m.quality }, true);
    }
    for (const [name, value] of Object.entries(state.properties ?? {})) {
      this.#set(name, state.properties_observed_at?.[name] ?? state.observed_at, { value }, true);
    }
    this.#heard(state.received_at);
  }

  /** A reading from the stream. A late one is counted, but replaces nothing newer. */
  take(reading) {
    this.events += 1;
    this.model = reading.model;
    const at = reading.ordered_at;
    for (const m of reading.measurements) {
      this.#set(m.name, at, { value: m.value, unit: m.unit, quality: m.quality });
    }
    for (const [name, value] of Object.entries(reading.properties)) this.#set(name, at, { value });
    this.link = reading.link ?? this.link;
    this.#heard(reading.received_at);
  }

  #heard(at) {
    const time = Date.parse(at);
    if (!Number.isNaN(time)) this.heardAt = Math.max(this.heardAt ?? 0, time);
  }

  #set(name, at, what, restored = false) {
    const time = Date.parse(at);
    const held = this.latest.get(name);
    if (held && held.time > time) return;
    this.latest.set(name, { ...what, time });
    if (typeof what.value !== "number" || (restored && held?.time === time)) return;
    const history = this.history.get(name) ?? [];
    history.push(what.value);
    if (history.length > HISTORY) history.shift();
    this.history.set(name, history);
  }
}
