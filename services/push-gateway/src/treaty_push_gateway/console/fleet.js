// What the registry knows of a workspace, and how the gateway's plugins want a model shown.

const PAGE = 500;

/** An answer that is no success; `status` 0 means that there was none. */
export class ApiError extends Error {
  constructor(status, detail) {
    super(detail);
    this.status = status;
  }
}

async function get(url, token) {
  let response;
  try {
    response = await fetch(url, {
      headers: token ? { Authorization: `Bearer ${token}` } : {},
      cache: "no-store",
      credentials: "omit",
      redirect: "error",
      signal: AbortSignal.timeout(10_000),
    });
  } catch {
    throw new ApiError(0, "no answer");
  }
  if (!response.ok) {
    const problem = await response.json().catch(() => ({}));
    throw new ApiError(response.status, String(problem.detail ?? response.statusText));
  }
  return response.json();
}

async function pages(url, token) {
  const items = [];
  let cursor = null;
  do {
    const next = new URL(url);
    next.searchParams.set("limit", PAGE);
    if (cursor) next.searchParams.set("cursor", cursor);
    const page = await get(next, token);
    items.push(...page.items);
    cursor = page.next;
  } while (cursor);
  return items;
}

/** Where things are: {registry_url, stream}. */
export const config = () => get("/v1/config");

/** The registry through the eyes of one token. */
export class Registry {
  #base; #token;

  constructor(base, token) {
    this.#base = base;
    this.#token = token;
  }

  workspaces() {
    return pages(`${this.#base}/v1/workspaces`, this.#token);
  }

  /** {sites, gateways, devices}, each a Map by id. */
  async fleet(workspace) {
    const base = `${this.#base}/v1/workspaces/${encodeURIComponent(workspace)}`;
    const lists = await Promise.all(["sites", "gateways", "devices"].map((kind) => pages(`${base}/${kind}`, this.#token)));
    const [sites, gateways, devices] = lists.map((items) => new Map(items.map((item) => [item.id, item])));
    return { sites, gateways, devices };
  }

  device(workspace, id) {
    const path = `v1/workspaces/${encodeURIComponent(workspace)}/devices/${encodeURIComponent(id)}`;
    return get(`${this.#base}/${path}`, this.#token);
  }
}

/** A model's widget and what its contract promises, asked for once; null where no plugin here knows it. */
export class Widgets {
  #asked = new Map();

  of(model) {
    if (!this.#asked.has(model)) {
      const url = `/v1/widgets?model=${encodeURIComponent(model)}`;
      this.#asked.set(model, get(url).catch(() => null));
    }
    return this.#asked.get(model);
  }
}
