/**
 * When training anew is asked for. An alarm asks once it has lasted for the dwell; between two requests lies a pause, and in each
 * period there are only so many. A lasting alarm asks again when both allow it, since a model trained on the wrong window, or
 * never deployed, leaves it firing.
 *
 * Pure, by the wall clock, because pauses and budgets of days must outlive a restart; times that lie ahead after the clock was
 * set back count as now.
 */
import type { Judgement } from "../../judgement.ts";
import type { TimesPer } from "../../units.ts";

/** The streams that may ask: those that speak of the data or of the answers, not of the server. */
export const retrainStreams = ["features", "mistakes", "error-rate", "estimated-performance", "calibration"] as const;
export type RetrainStream = (typeof retrainStreams)[number];

export interface WhenPolicy {
  readonly streams: readonly RetrainStream[];
  readonly dwell: number;
  readonly budget: TimesPer;
  readonly pause: number;
}

export interface Firing {
  readonly stream: RetrainStream;
  readonly detector: string;
  readonly sinceWallMs: number;
  /** The names of the first five, largest share first. */
  readonly culprits: readonly string[];
  /** It was told in this run; what was kept from the one before may be over. */
  readonly told: boolean;
}

export interface When {
  readonly firing: readonly Firing[];
  /** When training was asked for, oldest first: no more than the budget has. */
  readonly askedWallMs: readonly number[];
}

export const quiet: When = { firing: [], askedWallMs: [] };

export type WhenEvent =
  | { readonly type: "judged"; readonly judgement: Pick<Judgement, "stream" | "detector" | "verdict" | "culprits"> }
  | { readonly type: "asked" }
  /** The monitors begin anew with another reference or config. */
  | { readonly type: "restarted" };

export function reduce(when: When, event: WhenEvent, nowWallMs: number, { streams, budget }: Pick<WhenPolicy, "streams" | "budget">): When {
  switch (event.type) {
    case "asked":
      return { ...when, askedWallMs: [...when.askedWallMs, nowWallMs].slice(-budget.times) };
    case "restarted":
      return { ...when, firing: when.firing.filter(({ stream }) => streams.includes(stream)).map((one) => ({ ...one, told: false })) };
    case "judged": {
      const { stream, detector, verdict, culprits } = event.judgement;
      if (!isAsking(stream, streams)) return when;
      const before = when.firing.find((one) => one.stream === stream);
      const others = when.firing.filter((one) => one.stream !== stream);
      if (verdict === "stable" || verdict === "warmup") return before === undefined ? when : { ...when, firing: others };
      const names = culprits.slice(0, 5).map(({ name }) => name);
      return { ...when, firing: [...others, { stream, detector, sinceWallMs: Math.min(before?.sinceWallMs ?? nowWallMs, nowWallMs), culprits: names, told: true }] };
    }
  }
}

/** `held`: an alarm has lasted long enough, and pause or budget keep it back. */
export type Due =
  | { readonly due: "ask"; readonly streams: readonly Firing[] }
  | { readonly due: "held"; readonly by: "pause" | "budget"; readonly untilWallMs: number }
  | { readonly due: "dwell"; readonly untilWallMs: number }
  | { readonly due: "quiet" };

export function due({ firing, askedWallMs }: When, nowWallMs: number, { dwell, pause, budget }: WhenPolicy): Due {
  const told = firing.filter((one) => one.told);
  const [first] = told.map(({ sinceWallMs }) => sinceWallMs).sort((a, b) => a - b);
  if (first === undefined) return { due: "quiet" };
  if (nowWallMs < first + dwell) return { due: "dwell", untilWallMs: first + dwell };
  const asked = askedWallMs.map((at) => Math.min(at, nowWallMs));
  const pauseUntil = (asked.at(-1) ?? -Infinity) + pause;
  if (nowWallMs < pauseUntil) return { due: "held", by: "pause", untilWallMs: pauseUntil };
  const spentUntil = asked.length < budget.times ? -Infinity : (asked.at(-budget.times) as number) + budget.perMs;
  if (nowWallMs < spentUntil) return { due: "held", by: "budget", untilWallMs: spentUntil };
  return { due: "ask", streams: told.filter(({ sinceWallMs }) => nowWallMs >= sinceWallMs + dwell) };
}

function isAsking(stream: string, streams: readonly RetrainStream[]): stream is RetrainStream {
  return (streams as readonly string[]).includes(stream);
}
