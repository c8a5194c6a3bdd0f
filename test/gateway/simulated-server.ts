/**
 * A model server on a virtual clock, and clients that send at a given rate whatever comes back: what a concurrency limit
 * does to them. Event by event, no time passes outside.
 */
import type { Outcome } from "../../agent/backend.ts";
import type { ConcurrencyLimit, Priority } from "../../agent/gateway/concurrency-limit.ts";
import type { Chance } from "../detectors/chance.ts";

/** How long a request takes that comes in when `inFlight` are there, itself counted. */
export type Service = (inFlight: number, nowMs: number, next: Chance) => number;

/** So many workers that share their time among all requests; `spread` of the time is exponential chance. */
export function workers(count: number, ms: number | ((nowMs: number) => number), spread = 0.2): Service {
  return (inFlight, nowMs, next) => {
    const mean = (typeof ms === "number" ? ms : ms(nowMs)) * Math.max(1, inFlight / count);
    return mean * (1 - spread + spread * -Math.log(next()));
  };
}

/** All requests at once in one batch. */
export function batching(fixedMs: number, eachMs: number): Service {
  return (inFlight, _nowMs, next) => (fixedMs + eachMs * inFlight) * (0.9 - 0.1 * Math.log(next()));
}

export interface Run {
  readonly service: Service;
  readonly perSecond: (nowMs: number) => number;
  readonly untilMs: number;
  readonly priority?: (next: Chance) => Priority;
  readonly outcome?: (nowMs: number) => Outcome;
  /** Called at each request, for what a test wants to see. */
  readonly watch?: (nowMs: number) => void;
}

export interface Seen {
  readonly answered: Record<Priority, number>;
  readonly refused: Record<Priority, number>;
  /** Of those answered in the last quarter of the run. */
  readonly lateMedianMs: number;
  readonly latePerSecond: number;
  /** Mean of the limit over the last quarter, dips included. */
  readonly lateLimit: number;
}

export function simulate(limit: ConcurrencyLimit, next: Chance, { service, perSecond, untilMs, priority, outcome, watch }: Run): Seen {
  const answered = { critical: 0, default: 0, sheddable: 0 };
  const refused = { critical: 0, default: 0, sheddable: 0 };
  /** Ends of requests under way, soonest last. */
  const ends: { atMs: number; fromMs: number; who: Priority }[] = [];
  const late: number[] = [];
  const limits: number[] = [];
  const lateMs = untilMs * 0.75;
  const finish = (untilEndMs: number): void => {
    while (ends.length > 0 && ends[ends.length - 1]!.atMs <= untilEndMs) {
      const { atMs, fromMs, who } = ends.pop()!;
      answered[who] += 1;
      if (atMs >= lateMs) late.push(atMs - fromMs);
      limit.done(atMs - fromMs, outcome?.(atMs) ?? "ok", atMs);
    }
  };
  for (let nowMs = 0; nowMs < untilMs; nowMs += (-Math.log(next()) * 1_000) / perSecond(nowMs)) {
    finish(nowMs);
    watch?.(nowMs);
    if (nowMs >= lateMs) limits.push(limit.limit);
    const who = priority?.(next) ?? "default";
    if (!limit.admit(who, nowMs).admitted) {
      refused[who] += 1;
      continue;
    }
    const atMs = nowMs + service(limit.inFlight, nowMs, next);
    let place = ends.length;
    while (place > 0 && ends[place - 1]!.atMs < atMs) place -= 1;
    ends.splice(place, 0, { atMs, fromMs: nowMs, who });
  }
  late.sort((a, b) => a - b);
  return {
    answered,
    refused,
    lateMedianMs: late[late.length >>> 1] ?? Number.NaN,
    latePerSecond: late.length / ((untilMs - lateMs) / 1_000),
    lateLimit: limits.reduce((sum, one) => sum + one, 0) / limits.length,
  };
}
