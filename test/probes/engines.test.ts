/**
 * Hung or busy, over many engines made by chance: steps of 5 ms to 20 s, batches, queues, streams or not, prompts of mixed
 * sizes read in one go or in chunks, with a page of metrics that counts steps, answers or nothing. Both kinds of mistakes are
 * counted: a busy engine that is accused, and a hung one that is found later than 3 of its usual steps or 2 s, whichever is
 * longer. Its usual step is what can be seen of it: the 0.95 quantile of the pauses between its steps, where metrics count
 * them, or between the parts of its streams; where neither is there, of the time that an answer takes.
 */
import { expect, test } from "vitest";
import { progressProbe, type ProgressProbeDeps } from "../../agent/probes/progress-probe.ts";
import { probesOptions } from "../../agent/probes/probes.ts";
import { FakeClock } from "../fake-clock.ts";
import { SimulatedEngine, type Engine } from "./simulated-engine.ts";

type Metrics = "steps" | "answers" | "none";

interface Case {
  readonly engine: Engine;
  readonly metrics: Metrics;
}

function made(random: () => number): Case {
  const log = (from: number, to: number) => from * (to / from) ** random();
  const pick = <T>(...of: readonly T[]): T => of[Math.floor(random() * of.length)] as T;
  const stepMs = log(5, 20_000);
  const batch = Math.ceil(log(1, stepMs < 50 ? 8 : 32));
  const tokens = Math.round(pick(1, 1, log(2, 100), log(2, 20)));
  const engine: Engine = {
    stepMs, batch, tokens,
    clients: Math.ceil(batch * log(0.3, 5)),
    thinkSteps: pick(0, 0, log(0.5, 20)),
    streaming: tokens === 1 ? 0 : pick(0, 1, 0.5),
    headFirst: pick(true, false),
    largeEvery: pick(1_000_000, 20, 5),
    largeRatio: log(2, 20),
    promptSteps: pick(0, log(0.1, 2)),
    chunked: pick(true, false),
  };
  return { engine, metrics: pick<Metrics>("steps", "answers", "none") };
}

interface Played {
  readonly accusedBusy: boolean;
  readonly foundAfterMs: number;
  readonly allowedMs: number;
}

const never = new AbortController().signal;

async function play(one: Case, random: () => number): Promise<Played> {
  const { engine, metrics } = one;
  const { interval: intervalMs, floor: floorMs, factor, cold } = probesOptions.parse({}).progress;
  const run = new SimulatedEngine(engine, random);
  const answerMs = engine.stepMs * (engine.tokens * 1.5 + engine.promptSteps * engine.largeRatio * (engine.chunked ? 1 : engine.batch) + 2);
  const queues = Math.ceil(engine.clients / engine.batch);
  const hangsAtMs = Math.max(20_000, 40 * engine.stepMs, 12 * answerMs * queues) * (1 + random());
  const readServerWork: ProgressProbeDeps["readServerWork"] = () => {
    const moves = metrics === "steps" ? run.steppedMs.length : run.work.read().completed;
    return Promise.resolve({ adapter: metrics === "steps" ? "vllm" : "triton", inFlight: run.running + run.waiting, progress: moves, readAtMs: run.clock.monotonicMs(), movesBy: metrics === "steps" ? "steps" : "answers" } as const);
  };
  const probe = progressProbe(
    // A first answer that takes longer than the default is for the config to say.
    { intervalMs, floorMs, factor, coldMs: Math.max(cold, 2 * answerMs * queues), staleMs: 5_000 },
    { clock: run.clock, work: () => run.work.read(), readServerWork: metrics === "none" ? undefined : readServerWork },
  );

  let accusedBusy = false;
  let sinceMs: number | undefined;
  for (let nowMs = intervalMs; ; nowMs += intervalMs) {
    const hung = nowMs >= hangsAtMs;
    run.advance(Math.min(nowMs, hangsAtMs), false);
    if (hung) run.advance(nowMs, true);
    const { verdict } = await probe.ask(never);
    if (!hung) {
      accusedBusy ||= verdict === "fail";
      continue;
    }
    if (sinceMs === undefined && run.work.read().inFlight > 0) sinceMs = Math.max(hangsAtMs, nowMs - (run.work.read().oldestWaitMs ?? 0));
    const allowedMs = Math.max(3 * usualStepMs(run, one), 2_000);
    const tooLate = nowMs - (sinceMs ?? nowMs) > 20 * allowedMs;
    if (verdict === "fail" || tooLate) return { accusedBusy, foundAfterMs: verdict === "fail" ? nowMs - (sinceMs ?? nowMs) : Infinity, allowedMs };
  }
}

function usualStepMs(run: SimulatedEngine, { engine, metrics }: Case): number {
  if (metrics !== "steps" && engine.streaming === 0) return run.work.read().usualMs ?? 0;
  const signs = [...new Set(metrics === "steps" ? [...run.steppedMs, ...run.shownMs] : run.shownMs)].toSorted((a, b) => a - b).slice(-1_024);
  const pauses = signs.map((atMs, i) => atMs - (signs[i - 1] ?? atMs)).slice(1).toSorted((a, b) => a - b);
  return pauses[Math.floor(0.95 * pauses.length)] ?? 0;
}

const count = Number(process.env["PILOTFISH_ENGINES"] ?? 12);

test(`of ${count} engines at most one in twenty is accused while it is busy, and nine in ten are found in time when they hang`, { timeout: 600_000 }, async () => {
  const chance = new FakeClock();
  const random = () => chance.random();
  const accused: string[] = [];
  const late: string[] = [];
  for (let i = 0; i < count; i += 1) {
    const one = made(random);
    const { accusedBusy, foundAfterMs, allowedMs } = await play(one, random);
    const told = `${i}: found after ${Math.round(foundAfterMs)} of ${Math.round(allowedMs)} ms: ${JSON.stringify(one)}`;
    if (accusedBusy) accused.push(told);
    // It is looked at each 250 ms.
    if (foundAfterMs > allowedMs + 250) late.push(told);
  }
  console.log(`${accused.length} of ${count} busy engines accused; ${late.length} hung ones found late`, accused, late);
  expect(accused.length / count).toBeLessThanOrEqual(1 / 20);
  expect(late.length / count).toBeLessThanOrEqual(1 / 10);
});
