/**
 * How many requests the primary is given at once, found from their latencies, and who goes first when there are more.
 *
 * Up to its knee a server answers more requests at once in the same time; beyond it they only wait inside it. Where the knee
 * lies differs from server to server and from day to day, so it is not asked of anybody: the limit settles where the median
 * latency is `tolerance` times the one at half as many requests. With workers that take one request each, that is
 * `tolerance` times their number, which keeps all of them busy; with a server that batches (latency = a + b n), and 1.5, it
 * is n = 2a/b, two thirds of all it could ever do at three times its shortest latency. A limit against the shortest latency
 * ever seen, as proxies have it, would throttle a batching server for batching.
 *
 * The latency at half is measured by a dip: every so often, when traffic presses against the limit, it is halved for one
 * window of latencies, and once more while that shortens them nearly in proportion. A dip comes early when latency fell far
 * below what was learnt, and when the limit itself has come down by half: if latency does not follow, it is not queueing but
 * a slower server, and what was learnt is out of date. So neither a server that slows down nor a sidecar that starts in front
 * of a full one leads it astray. Quiet times with a quarter to a half of the limit in use teach the same without a dip.
 *
 * Time-outs, and requests that clients gave up, count as latencies of at least so long; 429 lowers the limit by a tenth, once a
 * window; errors say nothing of load. Pure: time is an argument. Cost: O(1) a request; a sort of at most 256 numbers a window.
 *
 * Sources: J. Little, 1961 (what a place costs); L. Kleinrock, Power and deterministic rules of thumb, ICC 1979 (the knee);
 * Envoy's adaptive concurrency filter (windows of 50 samples, medians, a floor) and Netflix's Gradient2 (tolerance
 * 1.5, no growth while the limit is not in use), whose measure of an unloaded server is another.
 */
import type { Outcome } from "../backend.ts";
import type { ConcurrencyOptions } from "./concurrency-options.ts";

/** The request's header that says its class. */
export const priorityHeader = "pilotfish-priority";

export const priorities = ["critical", "default", "sheddable"] as const;
export type Priority = (typeof priorities)[number];

/** A header that is missing, doubled or no class's name means `default`. */
export function priorityOf(header: string | readonly string[] | undefined): Priority {
  const name = typeof header === "string" ? header.trim().toLowerCase() : undefined;
  return priorities.find((priority) => priority === name) ?? "default";
}

export interface LimitReading {
  readonly limit: number;
  readonly inFlight: number;
}

/** 429: the class has used its share, and a higher one would get a place. 503: nobody gets one. */
export type Admission = { readonly admitted: true } | { readonly admitted: false; readonly status: 429 | 503; readonly retryAfterS: number };

/** What a request's end says: `took` its latency, `waited` at least so long, `full` that the server said so, nothing at all. */
const meaning: Readonly<Record<Outcome, "took" | "waited" | "full" | "nothing">> = {
  ok: "took",
  rejected: "nothing", // Refused before any work, and fast.
  overloaded: "full",
  error: "nothing",
  refused: "nothing",
  reset: "nothing",
  timeout: "waited",
  stalled: "nothing", // A hung server, not a full one: the circuit's work.
  invalid: "nothing",
  unsupported: "nothing",
  cancelled: "waited",
  "too-large": "nothing",
};

const latenciesMax = 256;
const samplesMin = 100;
const windowMinMs = 100;
/** With little traffic fewer latencies and more time must do. */
const samplesFew = 10;
const windowFewMs = 10_000;

/** The limit moves by the square root of what one window says, and a window says no more than this. */
const stepMin = 0.5;
const stepMax = 1.25;
/** Latency that falls by more than this power of the requests at once was waiting, and may still be. */
const queueing = 0.7;
/** A limit that has changed so much since a dip wants another one soon: half of it is no longer what was measured. */
const movedFar = 1.2;
const retryAfterMaxS = 30;

/**
 * One window of latencies. It begins once as many requests have ended as were in flight, so that hardly any of them was
 * admitted under an earlier limit; from then on it takes whatever ends, since to take only what began in it would favour short ones.
 */
class Window {
  inFlightMax: number;
  refused = 0;
  /** Answers that said the server is full. */
  full = 0;
  #earlier: number;
  #startMs: number;
  #count = 0;
  readonly #latencies = new Float64Array(latenciesMax);

  constructor(inFlight: number, nowMs: number) {
    this.inFlightMax = inFlight;
    this.#earlier = inFlight;
    this.#startMs = nowMs;
  }

  /** A request has ended; `latencyMs` where that says something. */
  push(latencyMs: number | undefined, nowMs: number): void {
    if (this.#earlier > 0) {
      this.#earlier -= 1;
      this.#startMs = nowMs;
    } else if (latencyMs !== undefined) {
      this.#latencies[this.#count % latenciesMax] = latencyMs;
      this.#count += 1;
    }
  }

  isOver(nowMs: number): boolean {
    const ageMs = nowMs - this.#startMs;
    return ((this.#count >= samplesMin || this.full >= samplesFew) && ageMs >= windowMinMs) || (this.#count >= samplesFew && ageMs >= windowFewMs);
  }

  /** undefined where there is no latency. */
  medianMs(): number | undefined {
    const sorted = this.#latencies.slice(0, Math.min(this.#count, latenciesMax)).sort();
    return sorted[sorted.length >>> 1];
  }
}

/** A measurement at fewer requests at once, and what it is compared with. */
interface Dip {
  readonly limit: number;
  readonly aboveMs: number;
  readonly aboveInFlight: number;
}

export class ConcurrencyLimit {
  readonly #options: ConcurrencyOptions;
  #limit: number;
  #inFlight = 0;
  #window = new Window(0, 0);
  #dip: Dip | undefined;
  /** Median latency at half of the limit, as far as it is known. */
  #halfMs: number | undefined;
  #medianMs: number | undefined;
  /** When a request ended last, or came to an idle server. */
  #progressMs = 0;
  #learntAtMs = -Infinity;
  #limitWhenLearnt = 0;

  constructor(options: ConcurrencyOptions) {
    this.#options = options;
    this.#limit = this.#bounded(options.initial);
  }

  /** Requests that may be at the primary at once, now: lower during a dip. */
  get limit(): number {
    return Math.floor(this.#dip?.limit ?? this.#limit);
  }

  get inFlight(): number {
    return this.#inFlight;
  }

  /** Each request that is admitted must be told `done` once. */
  admit(priority: Priority, nowMs: number): Admission {
    const { limit } = this;
    const places = this.#placesOf(priority);
    if (this.#inFlight < places) {
      if (this.#inFlight === 0) this.#progressMs = nowMs;
      this.#inFlight += 1;
      this.#window.inFlightMax = Math.max(this.#window.inFlightMax, this.#inFlight);
      return { admitted: true };
    }
    this.#window.refused += 1;
    return { admitted: false, status: this.#inFlight < limit ? 429 : 503, retryAfterS: this.#retryAfterS(places, nowMs) };
  }

  /** A request has ended at the primary, `latencyMs` after it was admitted. */
  done(latencyMs: number, outcome: Outcome, nowMs: number): void {
    this.#inFlight = Math.max(0, this.#inFlight - 1);
    this.#progressMs = nowMs;
    const said = meaning[outcome];
    if (said === "full") this.#window.full += 1;
    const waitedLong = said === "waited" && latencyMs > (this.#medianMs ?? 0);
    this.#window.push(said === "took" || waitedLong ? latencyMs : undefined, nowMs);
    // Those beyond the limit of a dip must go first.
    if (this.#dip !== undefined && this.#inFlight > this.#dip.limit) this.#window = new Window(this.#inFlight, nowMs);
    else if (this.#window.isOver(nowMs)) this.#learn(nowMs);
  }

  #placesOf(priority: Priority): number {
    const { shares } = this.#options;
    return priority === "critical" ? this.limit : Math.max(1, Math.floor(this.limit * shares[priority]));
  }

  /**
   * Seconds until a place is likely: by Little's law places become free at the rate of requests in flight over their latency,
   * and those who were refused just now come back too.
   */
  #retryAfterS(places: number, nowMs: number): number {
    const latencyMs = Math.max(this.#medianMs ?? 1_000, nowMs - this.#progressMs);
    const ahead = Math.max(0, this.#inFlight - places) + this.#window.refused;
    return Math.min(retryAfterMaxS, Math.max(1, Math.ceil((ahead * latencyMs) / Math.max(1, this.#inFlight) / 1_000)));
  }

  #learn(nowMs: number): void {
    const window = this.#window;
    const medianMs = window.medianMs();
    if (window.full > 0 || medianMs === undefined) {
      this.#limit = this.#bounded(this.#limit * 0.9);
      this.#dip = undefined;
    } else if (this.#dip === undefined) this.#settle(window, Math.max(medianMs, 1e-3), nowMs);
    else this.#measure(this.#dip, window, Math.max(medianMs, 1e-3), nowMs);
    this.#medianMs = medianMs ?? this.#medianMs;
    this.#window = new Window(this.#inFlight, nowMs);
  }

  /** Moves the limit by what a window at it says, or begins a dip. */
  #settle(window: Window, medianMs: number, nowMs: number): void {
    const { tolerance, shares } = this.#options;
    const inFlight = window.inFlightMax;
    const pressed = window.refused > 0 || inFlight >= Math.floor(this.#limit * Math.min(shares.default, shares.sheddable));
    if (!pressed && inFlight >= this.#limit / 4 && inFlight <= this.#limit / 2) this.#learnt(medianMs, nowMs);
    const halfMs = (this.#halfMs ??= medianMs);
    if (pressed && this.#isOutOfDate(medianMs, halfMs, nowMs) && inFlight / 2 >= this.#options.min) {
      this.#dip = { limit: inFlight / 2, aboveMs: medianMs, aboveInFlight: inFlight };
      return;
    }
    const step = Math.sqrt(Math.min(stepMax, Math.max(stepMin, (tolerance * halfMs) / medianMs)));
    if (step > 1 ? pressed : inFlight > this.#limit / 2) this.#limit = this.#bounded(this.#limit * step);
  }

  #isOutOfDate(medianMs: number, halfMs: number, nowMs: number): boolean {
    const { tolerance, relearn } = this.#options;
    const ageMs = nowMs - this.#learntAtMs;
    const moved = this.#limit / this.#limitWhenLearnt;
    if (ageMs >= relearn || moved <= 0.5 || medianMs < halfMs / tolerance) return true;
    return ageMs >= relearn / 6 && (moved > movedFar || moved < 1 / movedFar);
  }

  /** The end of a dip's window: goes lower while that still empties a queue. */
  #measure(dip: Dip, window: Window, medianMs: number, nowMs: number): void {
    const inFlight = Math.max(1, window.inFlightMax);
    const elasticity = inFlight < dip.aboveInFlight ? Math.log(dip.aboveMs / medianMs) / Math.log(dip.aboveInFlight / inFlight) : 0;
    if (elasticity > queueing && inFlight / 2 >= this.#options.min) {
      // What lies this far above was all queue: come down to stay.
      this.#limit = this.#bounded(Math.min(this.#limit, dip.aboveInFlight));
      this.#dip = { limit: inFlight / 2, aboveMs: medianMs, aboveInFlight: inFlight };
      return;
    }
    this.#dip = undefined;
    this.#learnt(medianMs, nowMs);
  }

  /** Small differences are noise and move it by a third of the way, large ones are news. */
  #learnt(halfMs: number, nowMs: number): void {
    const before = this.#halfMs ?? halfMs;
    const news = halfMs > before * 1.5 || halfMs < before / 1.5 || this.#learntAtMs === -Infinity;
    this.#halfMs = news ? halfMs : before * (halfMs / before) ** (1 / 3);
    this.#learntAtMs = nowMs;
    this.#limitWhenLearnt = this.#limit;
  }

  #bounded(limit: number): number {
    return Math.min(this.#options.max, Math.max(this.#options.min, limit));
  }
}
