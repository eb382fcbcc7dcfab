// A subscriber of docs/protocols/websocket.md: connects, subscribes, resumes from the last processed cursor.

const SUBPROTOCOL = "treaty.v1.json";
const SILENCE_MS = 45_000;
const SHORTEST_PAUSE_MS = 200;
const LONGEST_PAUSE_MS = 5_000;
// Errors after which the same subscription may succeed.
const PASSING = new Set([
  "snapshot_unavailable", "catch_up_busy", "catch_up_failed", "slow_reader", "going_away", "too_many_messages",
]);
// Errors after which only a fresh snapshot helps.
const STALE = new Set(["cursor_invalid", "cursor_foreign", "cursor_expired", "cursor_ahead"]);

/**
 * One subscription of one workspace, with a snapshot first.
 *
 * `on.snapshot(states)` and `on.readings(readings)` get the data, `on.status(state, detail)` what becomes of
 * the connection: connecting, live, waiting (`detail` is seconds) or ended (`detail` is {code, detail}).
 */
export class Stream {
  #url; #token; #workspace; #on;
  #socket = null;
  #cursor = null;
  #failures = 0;
  #timers = { silence: 0, pause: 0 };
  #closed = false;

  constructor(url, token, workspace, on) {
    this.#url = url;
    this.#token = token;
    this.#workspace = workspace;
    this.#on = on;
    window.addEventListener("online", this.#hurry);
  }

  open() {
    this.#on.status("connecting");
    const socket = new WebSocket(this.#url, SUBPROTOCOL);
    this.#socket = socket;
    socket.onopen = () => {
      this.#send({ type: "authenticate", token: this.#token });
      this.#send({
        type: "subscribe",
        id: "console",
        filter: { workspaces: [this.#workspace] },
        ...(this.#cursor === null ? { snapshot: true } : { from: { cursor: this.#cursor } }),
      });
    };
    socket.onmessage = (event) => this.#receive(JSON.parse(event.data));
    socket.onclose = () => this.#again(socket);
    this.#listen();
  }

  close() {
    this.#closed = true;
    window.removeEventListener("online", this.#hurry);
    clearTimeout(this.#timers.pause);
    this.#drop();
  }

  #send(message) {
    this.#socket.send(JSON.stringify(message));
  }

  #receive(message) {
    this.#listen();
    switch (message.type) {
      case "snapshot": this.#on.snapshot(message.states); break;
      case "readings": this.#on.readings(message.readings); break;
      case "live": this.#on.status("live"); break;
      case "error": this.#fail(message); return;
      default: break;
    }
    if (message.type === "live" || message.type === "readings") this.#failures = 0;
    if (message.cursor) this.#cursor = message.cursor;
  }

  #fail(error) {
    if (STALE.has(error.code)) this.#cursor = null;
    else if (!PASSING.has(error.code)) {
      this.close();
      this.#on.status("ended", error);
      return;
    }
    this.#again(this.#socket);
  }

  #listen() {
    clearTimeout(this.#timers.silence);
    const socket = this.#socket;
    this.#timers.silence = setTimeout(() => this.#again(socket), SILENCE_MS);
  }

  #drop() {
    clearTimeout(this.#timers.silence);
    const socket = this.#socket;
    this.#socket = null;
    if (socket) {
      socket.onopen = socket.onmessage = socket.onclose = null;
      socket.close();
    }
  }

  #again(socket) {
    if (this.#closed || socket !== this.#socket) return;
    this.#drop();
    const ceiling = Math.min(LONGEST_PAUSE_MS, SHORTEST_PAUSE_MS * 2 ** this.#failures);
    this.#failures += 1;
    const pause = ceiling * (0.5 + Math.random() / 2);
    this.#on.status("waiting", pause / 1000);
    this.#timers.pause = setTimeout(() => this.open(), pause);
  }

  #hurry = () => {
    if (this.#closed || this.#socket) return;
    clearTimeout(this.#timers.pause);
    this.open();
  };
}
