/** A rollout judged in the analysis: who says which, when it speaks, and what outlives a restart. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { analysis, AnalysisQueue, type Analysis, type AnalysisDeps, type AnalysisOptions, type Desk } from "../agent/analysis.ts";
import { inlineAnalysis } from "../agent/analysis-inline.ts";
import { systemClock, wait, type Clock } from "../agent/clock.ts";
import type { FromAnalyst, Setup, ToAnalyst } from "../agent/analysis-messages.ts";
import { storeOptions } from "../agent/store/options.ts";
import type { TrialReading } from "../agent/trial.ts";
import { FakeClock } from "./fake-clock.ts";
import { optionsOf } from "./monitors/traffic.ts";
import { setupOf, trial } from "./rollout/trial-stage.ts";

function folderOf(): string {
  const folder = mkdtempSync(join(tmpdir(), "pilotfish-trial-"));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  return folder;
}

function made(make: (options: AnalysisOptions, deps: AnalysisDeps) => Analysis, clock: Clock, path?: string) {
  const readings: TrialReading[] = [];
  const notes: string[] = [];
  const quiet = () => {};
  const one = make(
    { monitors: optionsOf({ prediction: "label" }), store: storeOptions.parse(path === undefined ? {} : { path }), model: "people" },
    { clock, log: { debug: quiet, info: quiet, warn: quiet, error: quiet }, judge: quiet, points: quiet, dropped: quiet, note: (text) => notes.push(text), trial: (reading) => readings.push(reading) },
  );
  return { one, readings, notes };
}

const setup = setupOf();

test("a rollout is read each second while it is judged, and harm is said without waiting for the second", async () => {
  const clock = new FakeClock();
  const { one, readings } = made(inlineAnalysis, clock);
  await one.start();
  clock.advance(3_000);
  expect(readings).toEqual([]);
  one.useTrial(setup);
  clock.advance(2_000);
  expect(readings.map(({ rollout, verdict }) => [rollout, verdict])).toEqual([["r1", "continue"], ["r1", "continue"]]);
  for (let i = 0; i < 40; i += 1) one.hear(trial(i, { candidate: true, failed: true }));
  for (let i = 0; i < 40; i += 1) one.hear(trial(40 + i, { candidate: false }));
  for (let i = 0; i < 10; i += 1) one.hear(trial(80 + i, { candidate: true, failed: true }));
  clock.advance(100);
  expect(readings.slice(2)).toEqual([expect.objectContaining({ verdict: "harm", harmed: ["errors"] })]);
  one.useTrial(undefined);
  clock.advance(5_000);
  expect(readings).toHaveLength(3);
  await one.close();
});

test("evidence outlives the process, for the same rollout judged alike; with other options it begins anew", async () => {
  const path = join(folderOf(), "state.sqlite");
  const run = async (given: typeof setup) => {
    const clock = new FakeClock();
    const { one, readings } = made(inlineAnalysis, clock, path);
    one.useTrial(given);
    await one.start();
    const from = 100 * readings.length;
    for (let i = 0; i < 50; i += 1) one.hear(trial(from + i, { candidate: i % 10 === 0, failed: i % 25 === 0 }));
    clock.advance(1_000);
    await one.close();
    return readings.at(-1)?.requests;
  };
  expect(await run(setup)).toEqual({ candidate: 5, primary: 45 });
  // At another weight it is the same rollout.
  expect(await run({ ...setup, weight: 0.5 })).toEqual({ candidate: 10, primary: 90 });
  expect(await run(setupOf({ alpha: 0.05 }))).toEqual({ candidate: 5, primary: 45 });
});

test("a thread that dies is started with the rollout that is judged now", async () => {
  const clock = new FakeClock();
  const setups: Setup[] = [];
  const posted: ToAnalyst[] = [];
  let die = () => {};
  const { one } = made((options, deps) => new AnalysisQueue(options, deps, (given, on: { message: (message: FromAnalyst) => void; gone: (why: string) => void }): Desk => {
    setups.push(given);
    die = () => on.gone("test");
    queueMicrotask(() => on.message({ type: "ready", saved: new Map() }));
    return { post: (message) => void posted.push(message), terminate: () => {} };
  }), clock);
  await one.start();
  one.useTrial(setup);
  expect(posted).toContainEqual({ type: "use-trial", setup });
  die();
  clock.advance(1_000);
  expect(setups.map(({ trial: judged }) => judged?.rollout)).toEqual([undefined, "r1"]);
});

test("a metric is compiled and judged in the thread itself, and its note comes out", async () => {
  const { one, readings, notes } = made(analysis, systemClock);
  await one.start();
  one.useTrial(setupOf({ metrics: [{ name: "slow", expression: "latency_ms > 500.0" }, { name: "broken", expression: "[true][int(latency_ms)]" }] }));
  for (let i = 0; i < 500 && !readings.some(({ comparisons }) => comparisons.some(({ name, events }) => name === "slow" && events > 0)); i += 1) {
    one.hear(trial(i, { candidate: i % 2 === 0, weight: 0.5, durationMs: 600 }));
    await wait(systemClock, 20);
  }
  await one.close();
  expect(readings.at(-1)?.comparisons.find(({ name }) => name === "slow")?.events).toBeGreaterThan(0);
  expect(notes).toEqual([expect.stringMatching(/^the metric "broken" can not be evaluated/)]);
});
