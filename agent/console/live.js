/**
 * What is known now, and how old it is: each part asked for at its own pace, and the state at once when a signal says that something
 * happened. Views subscribe to parts. What is not heard again within `staleMs` is old, and the page must say so.
 */
import { useEffect, useState } from "preact/hooks";
import { ask, follow, Refusal } from "./api.js";

/**
 * @typedef {object} Parts
 * @property {import("./shapes.js").State | undefined} state
 * @property {import("./shapes.js").Features | undefined} features
 * @property {import("./shapes.js").Recent} recent
 * @property {import("./shapes.js").Review[] | undefined} reviews
 * @property {import("./shapes.js").Event[] | undefined} history
 * @property {import("./shapes.js").Rollout | null | undefined} rollout null: there was none.
 * @property {import("./shapes.js").Versions | undefined} versions
 * @property {Record<string, string>} trouble By part, why it could not be had.
 * @property {"starting" | "live" | "lost" | "locked"} link
 * @property {string} lockedBy Why a token is asked for.
 * @property {number} heardAt When the state was heard last, by this machine's clock.
 * @property {"stream" | "polling"} signals
 * @property {number} now
 */

export const staleMs = 6_000;
const secondsKept = 900;
/** How often it is asked whether a rollout has begun. */
const restingMs = 4_000;

/** @type {Parts} */
export const live = {
  state: undefined, features: undefined, recent: { times: [], series: [], events: [] }, reviews: undefined, history: undefined, rollout: undefined, versions: undefined,
  trouble: {}, link: "starting", lockedBy: "", heardAt: 0, signals: "polling", now: Date.now(),
};

/** @type {Map<keyof Parts, Set<() => void>>} */
const listeners = new Map();

/** @template {keyof Parts} Part @param {Part} part @param {Parts[Part]} value */
export function put(part, value) {
  if (live[part] === value) return;
  live[part] = value;
  for (const listener of listeners.get(part) ?? []) listener();
}

/** The part as it is, drawn again when it changes. @template {keyof Parts} Part @param {Part} part @returns {Parts[Part]} */
export function usePart(part) {
  const [, changed] = useState(0);
  useEffect(() => {
    const listener = () => changed((count) => count + 1);
    const heard = listeners.get(part) ?? new Set();
    listeners.set(part, heard.add(listener));
    return () => void heard.delete(listener);
  }, [part]);
  return live[part];
}

/** Features whose histograms are in view; told by the list. @type {{ names: readonly string[] }} */
export const inView = { names: [] };

/** @type {Record<string, { everyMs: number, ask: () => Promise<void>, dueMs: number, busy: boolean }>} */
const parts = {
  state: part(2_000, async () => {
    const before = JSON.stringify(live.state);
    const state = await ask("/v1/state");
    if (JSON.stringify(state) !== before) put("state", state);
    put("heardAt", Date.now());
    put("link", "live");
  }),
  recent: part(2_000, async () => {
    const { times, series } = live.recent;
    const fresh = await ask(`/v1/recent?since=${times.at(-1) ?? 0}`);
    if (fresh.times.length > 0) put("recent", { ...joined({ times, series, events: live.recent.events }, fresh) });
  }),
  features: part(4_000, async () => {
    const query = new URLSearchParams(inView.names.map((name) => ["histogram", name]));
    put("features", await ask(`/v1/features?${query}`));
  }),
  rollout: part(restingMs, async () => {
    const { rollout } = await ask("/v1/rollout");
    if (parts["rollout"]) parts["rollout"].everyMs = rollout?.phase === "trying" || rollout?.phase === "asking" ? 1_000 : restingMs;
    if (JSON.stringify(rollout) !== JSON.stringify(live.rollout)) put("rollout", rollout);
  }),
  versions: part(10_000, async () => put("versions", await ask("/v1/versions"))),
  reviews: part(4_000, async () => put("reviews", (await ask("/v1/reviews")).reviews)),
  history: part(10_000, async () => put("history", (await ask("/v1/history?limit=100")).items)),
};

/** @param {number} everyMs @param {() => Promise<void>} asking */
function part(everyMs, asking) {
  return { everyMs, ask: asking, dueMs: 0, busy: false };
}

/** Asks for it with the next turn, or now. @param {...string} names */
export function refresh(...names) {
  for (const name of names) if (parts[name]) parts[name].dueMs = 0;
  turn();
}

function turn() {
  if (live.link === "locked") return;
  const nowMs = performance.now();
  for (const [name, one] of Object.entries(parts)) {
    if (one.busy || nowMs < one.dueMs || (document.hidden && name !== "state")) continue;
    one.busy = true;
    one.dueMs = nowMs + one.everyMs;
    void one.ask().then(() => trouble(name, undefined), (error) => failed(name, error)).finally(() => (one.busy = false));
  }
  put("now", Date.now());
  if (live.link !== "starting" && Date.now() - live.heardAt > staleMs) put("link", "lost");
}

/** @param {string} name @param {unknown} error */
function failed(name, error) {
  const { status, message } = error instanceof Refusal ? error : new Refusal(-1, String(error));
  if (status === 401) {
    put("lockedBy", message);
    put("link", "locked");
  }
  if (status === 0 && name === "state" && Date.now() - live.heardAt > 2_000) put("link", "lost");
  trouble(name, message);
}

/** @param {string} name @param {string | undefined} why */
function trouble(name, why) {
  if (live.trouble[name] === why) return;
  const { [name]: _, ...others } = live.trouble;
  put("trouble", why === undefined ? others : { ...others, [name]: why });
}

/** @param {import("./shapes.js").Recent} known @param {import("./shapes.js").Recent} fresh */
function joined(known, fresh) {
  const cut = Math.max(0, known.times.length + fresh.times.length - secondsKept);
  const nothing = (/** @type {number} */ count) => Array.from({ length: count }, () => null);
  const keyOf = (/** @type {import("./shapes.js").Series} */ { name, labels }) => `${name} ${JSON.stringify(labels)}`;
  const added = new Map(fresh.series.map((one) => [keyOf(one), one]));
  const before = known.series.map((one) => {
    const values = added.get(keyOf(one))?.values ?? nothing(fresh.times.length);
    added.delete(keyOf(one));
    return { ...one, values: [...one.values, ...values].slice(cut) };
  });
  const begun = [...added.values()].map((one) => ({ ...one, values: [...nothing(known.times.length), ...one.values].slice(cut) }));
  const times = [...known.times, ...fresh.times].slice(cut);
  const events = [...known.events, ...fresh.events].filter(({ at }) => at >= (times[0] ?? 0));
  return { times, series: [...before, ...begun].filter(({ values }) => values.some((value) => value !== null)), events };
}

/** The signals say when to look. */
async function listen() {
  for (let pauseMs = 1_000; ; ) {
    if (live.link !== "locked") {
      try {
        const isStream = await follow((kind) => {
          pauseMs = 1_000;
          put("signals", "stream");
          if (["state", "transition", "directive", "drift", "judge", "rollout", "version", "reset"].includes(kind)) refresh("state", "recent", "history", "rollout", ...(kind === "version" ? ["versions"] : []));
        }, new AbortController().signal);
        if (!isStream) pauseMs = 15_000;
      } catch {
        pauseMs = Math.min(10_000, pauseMs * 2);
      }
      put("signals", "polling");
    }
    await new Promise((resolve) => setTimeout(resolve, pauseMs));
  }
}

export function start() {
  turn();
  setInterval(turn, 500);
  document.addEventListener("visibilitychange", () => document.hidden || refresh(...Object.keys(parts)));
  void listen();
}
