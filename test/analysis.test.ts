import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { analysis, AnalysisQueue, type Analysis, type AnalysisDeps, type AnalysisOptions } from "../agent/analysis.ts";
import { inlineAnalysis } from "../agent/analysis-inline.ts";
import { systemClock, wait, type Clock } from "../agent/clock.ts";
import type { Judgement } from "../agent/judgement.ts";
import type { Log } from "../agent/log.ts";
import { writeReference } from "../agent/monitors/reference-file.ts";
import type { Point } from "../agent/observation.ts";
import { storeOptions } from "../agent/store/options.ts";
import { instruments } from "../exporters/instruments.ts";
import { FakeClock } from "./fake-clock.ts";
import { actual, optionsOf, people, referenceOf, sample } from "./monitors/traffic.ts";

let folder: string;
beforeEach(() => void (folder = mkdtempSync(join(tmpdir(), "pilotfish-analysis-"))));
const closing: Analysis[] = [];
afterEach(async () => {
  for (const one of closing.splice(0)) await one.close();
  rmSync(folder, { recursive: true });
});

function made(make: (options: AnalysisOptions, deps: AnalysisDeps) => Analysis, clock: Clock, other: Partial<AnalysisOptions> = {}) {
  const judgements: Judgement[] = [];
  const notes: string[] = [];
  const logged: string[] = [];
  const dropped = new Map<string, number>();
  let points: readonly Point[] = [];
  const say = (level: string) => (_: unknown, message: string) => void logged.push(`${level}: ${message}`);
  const log: Log = { debug: say("debug"), info: say("info"), warn: say("warn"), error: say("error") };
  const options: AnalysisOptions = {
    monitors: optionsOf({ score: "probabilities_1", prediction: "label" }),
    store: storeOptions.parse({ path: join(folder, "state.sqlite") }),
    model: "people",
    ...other,
  };
  const one = make(options, {
    clock,
    log,
    judge: (judgement) => judgements.push(judgement),
    points: (all) => (points = all),
    dropped: (what, count) => dropped.set(what, (dropped.get(what) ?? 0) + count),
    // What drift may go unseen is said at every start.
    note: (text) => void (text.includes("may go unseen") || notes.push(text)),
  });
  closing.push(one);
  const level = (name: string, ...labels: string[]) => points.find((point) => point.instrument.name === name && labels.every((label) => Object.values(point.labels).includes(label)))?.value;
  return { one, judgements, notes, logged, dropped, level, points: () => points };
}

const inline = (clock: Clock, other?: Partial<AnalysisOptions>) => made(inlineAnalysis, clock, other);
const threaded = (other?: Partial<AnalysisOptions>, clock: Clock = systemClock) => made(analysis, clock, other);

async function referenceFile(model = "people"): Promise<string> {
  const path = join(folder, "reference.json.gz");
  await writeReference(path, referenceOf(people(1, 5_000), model));
  return path;
}

// ---- one thread, a clock turned by hand ----

test("what is heard is judged: a shifted feature pages, the series go out each second", async () => {
  const clock = new FakeClock();
  const { one, judgements, level, points } = inline(clock, { referencePath: await referenceFile() });
  await one.start();
  for (const [i, row] of people(2, 2_000, { age: 20 }).entries()) {
    one.hear(sample(`id-${i}`, [row]));
    clock.advance(5);
  }
  expect(judgements[0]?.message).toMatch(/^people drifted: age/);
  expect(level("pilotfish.analysis.rows", "analysed")).toBeGreaterThan(1_900);
  expect(points().every(({ instrument }) => (Object.values(instruments) as unknown[]).includes(instrument))).toBe(true);
});

test("another reference is put in force without a restart: what was raised against the old one is over, and the new one judges", async () => {
  const clock = new FakeClock();
  const { one, judgements } = inline(clock, { referencePath: await referenceFile() });
  await one.start();
  const older = people(2, 3_000, { age: 20 });
  const hear = (rows: typeof older) => rows.forEach((row) => {
    one.hear(sample(`id-${clock.wallMs()}`, [row]));
    clock.advance(5);
  });
  hear(older.slice(0, 1_000));
  expect(judgements.map(({ stream, verdict }) => `${stream} ${verdict}`)).toEqual(["features drift"]);

  const next = join(folder, "next.json");
  await writeReference(next, referenceOf(people(3, 5_000, { age: 20 })));
  expect(await one.useReference(next)).toMatchObject({ ok: true, model: "people", rows: 5_000 });
  clock.advance(1_000);
  expect(judgements.at(-1)).toMatchObject({ stream: "features", verdict: "stable", message: expect.stringContaining("another reference is in force") });
  hear(older.slice(1_000));
  expect(judgements).toHaveLength(2);
  hear(people(4, 1_000));
  expect(judgements.slice(2)).toContainEqual(expect.objectContaining({ stream: "features", verdict: "drift" }));

  expect(await one.useReference(join(folder, "missing.json"))).toMatchObject({ ok: false, message: expect.stringContaining("there is no reference") });
});

test("questions are answered from the store by the thread; without a thread nobody waits", async () => {
  const clock = new FakeClock();
  const { one } = inline(clock);
  expect(await one.ask("events", { kinds: ["pin"], limit: 10 })).toBeUndefined();
  await one.start();
  for (let n = 1; n <= 5; n += 1) one.append({ atWallMs: n, kind: n % 2 === 0 ? "pin" : "other", detail: { n } });
  expect(await one.ask("events", { kinds: ["pin"], limit: 10 })).toEqual([{ id: 4, atWallMs: 4, kind: "pin", detail: { n: 4 } }, { id: 2, atWallMs: 2, kind: "pin", detail: { n: 2 } }]);
  expect(await one.ask("events", { kinds: ["pin", "other"], before: 4, limit: 2 })).toMatchObject([{ id: 3 }, { id: 2 }]);
});

test("beyond the bound the oldest that wait are let go and counted; the newest are analysed", async () => {
  const clock = new FakeClock();
  const { one, dropped, level } = inline(clock, { queue: { observations: 10 } });
  for (const [i, row] of people(2, 25).entries()) one.hear(sample(`id-${i}`, [row], [0.7], { atWallMs: clock.wallMs() }));
  expect(one.depth()).toBe(10);
  expect(dropped.get("analysis-queue")).toBe(15);
  await one.start();
  clock.advance(2_000);
  expect(one.depth()).toBe(0);
  expect(level("pilotfish.analysis.rows", "analysed")).toBe(10);
  one.hear(actual("id-14", 1));
  one.hear(actual("id-15", 1));
  clock.advance(12_000);
  expect(level("pilotfish.actuals", "joined")).toBe(1);
  expect(level("pilotfish.actuals", "unknown")).toBe(1);
});

test("the queue is bounded in bytes too", () => {
  const { one, dropped } = inline(new FakeClock(), { queue: { bytes: 100_000 } });
  for (let i = 0; i < 5; i += 1) one.hear(sample(`id-${i}`, people(2, 1), [0.5], { request: new Uint8Array(30_000) }));
  expect(one.depth()).toBe(3);
  expect(dropped.get("analysis-queue")).toBe(2);
});

test("the bodies that were heard stay the caller's", async () => {
  const clock = new FakeClock();
  const { one } = inline(clock);
  await one.start();
  const heard = sample("id", people(2, 3));
  one.hear(heard);
  clock.advance(100);
  expect(heard.request.byteLength).toBeGreaterThan(100);
});

test("saved values, the audit and the monitors come back after a restart", async () => {
  const clock = new FakeClock();
  const referencePath = await referenceFile();
  const before = inline(clock, { referencePath });
  expect((await before.one.start()).saved).toEqual(new Map());
  before.one.save("failover", { version: 1, open: true });
  before.one.save("failover", { version: 1, open: false });
  before.one.append({ atWallMs: 1, kind: "pin", detail: { by: "ada" } });
  for (const [i, row] of people(2, 700).entries()) before.one.hear(sample(`id-${i}`, [row], [0.7], { atWallMs: clock.wallMs() }));
  await before.one.close();

  const after = inline(clock, { referencePath });
  expect((await after.one.start()).saved).toEqual(new Map([["failover", { version: 1, open: false }]]));
  after.one.hear(actual("id-699", 1));
  clock.advance(2_000);
  expect(after.level("pilotfish.drift.window.samples")).toBe(700);
  expect(after.level("pilotfish.actuals", "joined")).toBe(1);
  expect(after.notes).toEqual([]);
});

test("state kept with another reference is not used, which is said", async () => {
  const clock = new FakeClock();
  const before = inline(clock, { referencePath: await referenceFile() });
  await before.one.start();
  before.one.hear(sample("id", people(2, 200)));
  await before.one.close();
  await writeReference(join(folder, "new.json"), referenceOf(people(8, 4_000)));
  const after = inline(clock, { referencePath: join(folder, "new.json") });
  await after.one.start();
  clock.advance(1_000);
  expect(after.notes).toEqual(["monitors/detectors: what was kept belongs to another model, reference or version, or to other options; started afresh"]);
  expect(after.level("pilotfish.drift.window.samples")).toBeUndefined();
});

test("a reference of another model: said in words, no drift series, everything else goes on", async () => {
  const clock = new FakeClock();
  const { one, notes, level } = inline(clock, { referencePath: await referenceFile("cats") });
  await one.start();
  one.hear(sample("a", people(2, 10), people(2, 10).map(() => 0.7), { atWallMs: clock.wallMs() }));
  one.hear(actual("a", ...people(2, 10).map(() => 1)));
  clock.advance(2_000);
  expect(notes).toEqual([expect.stringMatching(/^drift of features is not watched: the reference .* was made for the model "cats", not for "people"/)]);
  expect(level("pilotfish.drift.evidence")).toBeUndefined();
  expect(level("pilotfish.performance", "accuracy")).toBe(1);
});

test("without a name the model is the reference's, or the first that traffic names", async () => {
  const clock = new FakeClock();
  const byReference = inline(clock, { model: undefined, referencePath: await referenceFile() });
  const byTraffic = inline(clock, { model: undefined, store: storeOptions.parse({}) });
  for (const { one } of [byReference, byTraffic]) {
    await one.start();
    one.hear(sample("a", people(2, 5), people(2, 5).map(() => 0.7)));
    one.hear(sample("b", people(2, 3), people(2, 3).map(() => 0.7), { model: "cats" }));
    clock.advance(1_000);
  }
  for (const { level } of [byReference, byTraffic]) {
    expect(level("pilotfish.analysis.rows", "people", "analysed")).toBe(5);
    expect(level("pilotfish.analysis.rows", "people", "other-model")).toBe(1);
  }
});

test("a state file that can not be used: on in memory, said, and counted at each write", async () => {
  writeFileSync(join(folder, "file"), "");
  const clock = new FakeClock();
  const { one, notes, level } = inline(clock, { store: storeOptions.parse({ path: join(folder, "file", "state.sqlite") }) });
  await one.start();
  one.save("failover", 1);
  clock.advance(1_000);
  expect(notes).toEqual([expect.stringMatching(/^state is kept in memory only and lost at a restart: /)]);
  expect(level("pilotfish.store.writes", "memory")).toBe(1);
});

test("nothing is left waiting on the clock after close", async () => {
  const clock = new FakeClock();
  const { one } = inline(clock);
  await one.start();
  one.hear(sample("id", people(2, 1)));
  await one.close();
  expect(clock.pending).toBe(0);
});

// ---- a real thread ----

async function until(holds: () => boolean): Promise<void> {
  await vi.waitFor(() => expect(holds()).toBe(true), { timeout: 15_000, interval: 20 });
}

test("in its thread: judged, saved, and all of it there for the next run", async () => {
  const referencePath = await referenceFile();
  const first = threaded({ referencePath });
  await first.one.start();
  for (const [i, row] of people(2, 1_000, { income: 1 }).entries()) first.one.hear(sample(`id-${i}`, [row], [0.7], { atWallMs: systemClock.wallMs() }));
  first.one.save("failover", { open: true, since: new Date(0) });
  await until(() => first.judgements.length > 0);
  expect(first.judgements[0]?.culprits[0]?.name).toBe("income");
  first.one.hear(sample("last", people(2, 1), [0.7], { atWallMs: systemClock.wallMs() }));
  await first.one.close();

  const second = threaded({ referencePath });
  expect((await second.one.start()).saved).toEqual(new Map([["failover", { open: true, since: new Date(0) }]]));
  // The alarm still stands, and what was heard last is known.
  second.one.hear(actual("last", 1));
  await until(() => second.judgements.length > 0 && second.level("pilotfish.actuals", "joined") === 1);
  expect(second.judgements[0]?.verdict).toBe("drift");
  expect(first.dropped.size + second.dropped.size).toBe(0);
});

test("kill -9 of the whole process: the next one has the failover state and goes on with the detectors' state", async () => {
  const referencePath = await referenceFile();
  const child = spawn(process.execPath, [join(import.meta.dirname, "analysis-to-be-killed.ts"), join(folder, "state.sqlite"), referencePath], { stdio: ["ignore", "pipe", "inherit"] });
  const ended = once(child, "close");
  await Promise.race([once(child.stdout, "data"), wait(systemClock, 15_000)]);
  child.kill("SIGKILL");
  expect(await ended).toEqual([null, "SIGKILL"]);

  const { one, level, notes, logged } = threaded({ referencePath, monitors: optionsOf() });
  expect((await one.start()).saved).toEqual(new Map([["failover", { open: true }]]));
  await until(() => level("pilotfish.drift.window.samples") === 600);
  expect([...notes, ...logged]).toEqual([]);
});

test("a thread that dies is counted and started again with what was kept; what is saved meanwhile is not lost", async () => {
  const { one, dropped, logged, level } = threaded();
  await one.start();
  one.save("before", 1);
  // No gateway would send this: the thread trips over it.
  one.hear(sample(undefined as unknown as string, people(2, 1)));
  one.hear(sample("same batch", people(2, 1)));
  await until(() => dropped.get("analysis-thread") === 1);
  expect(dropped.get("analysis-lost")).toBe(2);
  expect(logged.join()).toMatch(/the analysis thread died; predictions go on/);
  one.save("while down", 2);
  for (const [i, row] of people(2, 100).entries()) one.hear(sample(`id-${i}`, [row]));
  await until(() => level("pilotfish.analysis.rows", "analysed") === 100);
  await one.close();
  const next = threaded();
  expect((await next.one.start()).saved).toEqual(new Map([["before", 1], ["while down", 2]]));
});

test("a thread that hangs is given up and another one started", async () => {
  const clock = new FakeClock();
  const { one, dropped, logged } = threaded({}, clock);
  await one.start();
  // The thread speaks each second of real time; by this clock it is silent for 40 seconds at once.
  clock.advance(40_000);
  expect(dropped.get("analysis-thread")).toBe(1);
  expect(logged.join()).toMatch(/died/);
  clock.advance(1_000);
  one.save("a", 1);
  await one.close();
});

test("a value that can not go to another thread is refused in the log, and the daemon goes on", async () => {
  const { one, logged } = threaded();
  await one.start();
  one.save("bad", () => 1);
  one.save("good", 1);
  await one.close();
  expect(logged).toEqual(["error: a value that can not be copied to another thread is not kept"]);
  expect((await threaded().one.start()).saved).toEqual(new Map([["good", 1]]));
});

test("a thread that is stuck does not hold up the end for long, and is said to be left behind", async () => {
  const clock = new FakeClock();
  const deaf = (options: AnalysisOptions, deps: AnalysisDeps) => new AnalysisQueue(options, deps, (_, { message }) => {
    message({ type: "ready", saved: new Map() });
    return { post: () => {}, terminate: () => {} };
  });
  const { one } = made(deaf, clock);
  closing.length = 0;
  await one.start();
  const closed = one.close();
  clock.advance(3_000);
  await expect(closed).rejects.toThrow("did not finish within 3000 ms");
});
