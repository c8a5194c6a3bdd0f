/** A featuriser in live traffic: what it finds that no column shows, and what happens where it can not be used. */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setImmediate as turn } from "node:timers/promises";
import { afterAll, expect, onTestFinished, test } from "vitest";
import { analysis } from "../../agent/analysis.ts";
import { openAnalyst } from "../../agent/analyst.ts";
import { systemClock, wait } from "../../agent/clock.ts";
import { openFeaturiser, type Featuriser } from "../../agent/featuriser/featuriser.ts";
import type { Judgement } from "../../agent/judgement.ts";
import { silent } from "../../agent/log.ts";
import { monitors, type MonitorsDeps } from "../../agent/monitors/monitors.ts";
import { writeReference } from "../../agent/monitors/reference-file.ts";
import type { Point } from "../../agent/observation.ts";
import { storeOptions } from "../../agent/store/options.ts";
import { buildReference, type FeaturiserOrigin, type Reference } from "../../detectors/reference/reference.ts";
import { call } from "../cli/call.ts";
import { FakeClock } from "../fake-clock.ts";
import { dice, optionsOf, sample, type Row } from "../monitors/traffic.ts";
import { onnxFile, parity } from "./onnx-file.ts";

const folder = mkdtempSync(join(tmpdir(), "featuriser-"));
afterAll(() => rmSync(folder, { recursive: true }));
const model = join(folder, "parity.onnx");
writeFileSync(model, onnxFile(parity));
const featuriser = { model, kind: "autoencoder" } as const;
const error = "featuriser.reconstruction_error";

/** The sign of c is that of a times b in nine rows of ten; where that is broken, in every other. */
function rowsOf(seed: number, count: number, { broken = false, moved = 0 } = {}): readonly Row[] {
  const { normal, uniform } = dice(seed);
  return Array.from({ length: count }, () => {
    const [a, b] = [normal(), normal()];
    const kept = uniform() < (broken ? 0.5 : 0.9);
    return { a, b, c: Math.abs(normal()) * Math.sign(a * b) * (kept ? 1 : -1), gear: Math.floor(normal() + 3 + moved) };
  });
}

async function referenceOf(rows: readonly Row[]): Promise<Reference> {
  const columns = new Map(Object.keys(rows[0] as Row).map((name) => [name, rows.map((row) => row[name])]));
  const opened = await openFeaturiser(featuriser);
  const features = [...[...columns].map(([name, values]) => ({ name, values })), ...(await opened.features(columns, rows.length))];
  await opened.close();
  return { ...buildReference({ model: "people", features, derived: [error] }), featuriser: opened.origin };
}

const reference = await referenceOf(rowsOf(1, 5_000));

function watched(source: MonitorsDeps["reference"], { config = {}, open = () => openFeaturiser(featuriser) }: { config?: object; open?: () => Promise<Featuriser> } = {}) {
  const made = monitors(optionsOf({ featuriser, ...config }), { model: "people", reference: source, openFeaturiser: open });
  onTestFinished(() => made.close());
  const judgements: Judgement[] = [];
  const notes: string[] = [];
  let rows = 0;
  const levels = () => {
    const told = made.tick(rows * 5, rows * 5);
    judgements.push(...told.judgements);
    notes.push(...told.notes.filter((note) => !note.includes("may go unseen")));
    return new Map(told.points.map(({ instrument, labels, value }) => [`${instrument.name} ${Object.values(labels).slice(-1).join(" ")}`, value]));
  };
  /** One row a request; kept when all of them have been through the model. */
  const play = async (played: readonly Row[]) => {
    for (const row of played) {
      rows += 1;
      made.hear(sample(`id-${rows}`, [row], [0.7], { atWallMs: rows * 5 }), rows * 5, rows * 5);
      if (rows % 100 === 0) await turn();
    }
    const through = (all: ReadonlyMap<string, number>) => (all.get("pilotfish.analysis.rows analysed") ?? 0) + (all.get("pilotfish.analysis.rows no-feature") ?? 0);
    for (let turns = 0; turns < 20_000 && through(levels()) < rows; turns += 1) await turn();
    return levels();
  };
  return { made, judgements, notes, play, levels };
}

test("columns that no longer hang together, each as ever by itself: the alarm names the reconstruction error, and nothing else", async () => {
  const { judgements, notes, play } = watched(reference);
  await play(rowsOf(2, 3_000));
  expect(judgements).toEqual([]);
  const levels = await play(rowsOf(3, 200, { broken: true }));
  const drift = judgements.filter(({ stream }) => stream === "features");
  expect(drift[0]).toMatchObject({ verdict: "drift", culprits: [{ name: error }] });
  expect(drift[0]?.message).toMatch(/^people drifted: featuriser\.reconstruction_error/);
  expect(drift.flatMap(({ culprits }) => culprits.map(({ name }) => name)).every((name) => name === error)).toBe(true);
  expect(levels.get("pilotfish.analysis.rows analysed")).toBe(3_200);
  expect(notes).toEqual([]);
});

test("a feature that moves is found as without a featuriser", async () => {
  const { judgements, play } = watched(reference);
  await play(rowsOf(2, 500));
  await play(rowsOf(3, 300, { moved: 3 }));
  expect(judgements.find(({ stream }) => stream === "features")?.culprits[0]?.name).toBe("gear");
});

test("without a reference its columns are learnt from traffic with the others, and watched from then on", async () => {
  const { judgements, notes, play, made } = watched("learn");
  await play(rowsOf(2, 2_500));
  expect(notes.join()).toMatch(/^learnt what is normal from 2000 rows of traffic: 5 features/);
  await play(rowsOf(3, 300, { broken: true }));
  expect(judgements.find(({ stream }) => stream === "features")?.culprits[0]?.name).toBe(error);

  // What was learnt outlives a restart, with the featuriser that it was learnt with.
  const after = watched("learn");
  expect(after.made.parts.detectors.restore(structuredClone(made.parts.detectors.snapshot(0)), 0)).toBe("restored");
  await after.play(rowsOf(4, 100));
  expect(after.notes).toEqual([]);
  const strange = join(folder, "strange.onnx");
  writeFileSync(strange, onnxFile({ ...parity, nodes: parity.nodes.map((node) => (node.op === "Abs" ? { ...node, op: "Neg" } : node)) }));
  const replaced = watched("learn", { open: () => openFeaturiser({ ...featuriser, model: strange }) });
  replaced.made.parts.detectors.restore(structuredClone(made.parts.detectors.snapshot(0)), 0);
  await replaced.play(rowsOf(4, 100));
  expect(replaced.notes.join()).toMatch(/the featuriser is off: the reference was made with another model file \(SHA-256 [0-9a-f]{12}\.\.\., this one is /);
});

test("a reference without its columns leaves it off, and says how to make one that has them", async () => {
  const { featuriser: _, ...old } = reference;
  let opened = false;
  const { judgements, notes, play } = watched({ ...old, features: old.features.filter(({ name }) => name !== error) }, { open: () => ((opened = true), openFeaturiser(featuriser)) });
  await play(rowsOf(3, 300, { broken: true }));
  expect(notes).toEqual(['the featuriser is off: the reference has none of its columns: make the reference anew with "pilotfish reference DATA --featuriser MODEL"']);
  expect({ judgements, opened }).toEqual({ judgements: [], opened: false });
});

test.each([
  ["columns in another order", { columns: ["c", "b", "a"] }, "the reference was made with columns c,b,a, this is a,b,c"],
  ["another kind", { kind: "embedding", outputs: 2 }, "the reference was made with kind embedding, this is autoencoder"],
] as const)("a reference made with %s leaves it off", async (_name, other, says) => {
  const { judgements, notes, play } = watched({ ...reference, featuriser: { ...(reference.featuriser as FeaturiserOrigin), ...other } });
  await play(rowsOf(3, 300, { broken: true }));
  expect(notes.join()).toContain(`the featuriser is off: ${says}`);
  expect(judgements).toEqual([]);
});

test("a model that can not be loaded is said once, and everything else goes on: watched, and learnt", async () => {
  const gone = () => openFeaturiser({ ...featuriser, model: join(folder, "nobody.onnx") });
  const { judgements, notes, play } = watched(reference, { open: gone });
  await play(rowsOf(2, 500));
  expect(notes).toEqual([expect.stringMatching(/^the featuriser is off: the featuriser .*nobody\.onnx can not be used: there is no such file$/)]);
  await play(rowsOf(3, 300, { moved: 3 }));
  expect(judgements.find(({ stream }) => stream === "features")?.culprits[0]?.name).toBe("gear");

  const learning = watched("learn", { open: gone });
  await learning.play(rowsOf(2, 2_100));
  expect(learning.notes.at(-1)).toMatch(/^learnt what is normal from 2000 rows of traffic: 4 features/);
});

test("rows that it makes nothing of are counted, said once, and watched and learnt without it", async () => {
  const { notes, play } = watched(reference);
  const levels = await play(rowsOf(2, 300).map(({ gear }) => ({ gear })));
  expect(levels.get("pilotfish.analysis.rows featuriser-failed")).toBe(300);
  expect(notes).toEqual([expect.stringMatching(/^the rows have none of the columns that the featuriser reads: a, b, c; they have gear/)]);

  const learning = watched("learn");
  await learning.play(rowsOf(2, 2_200).map(({ gear }) => ({ gear, other: gear })));
  expect(learning.notes.some((note) => note.startsWith("the featuriser is off: the rows have none of the columns that the featuriser reads: a, b, c"))).toBe(true);
  expect(learning.notes.at(-1)).toMatch(/^learnt what is normal from 2000 rows of traffic: 2 features/);
});

test("a reference with its columns, and none configured: that is said, and the others are watched", async () => {
  const { judgements, notes, play } = watched(reference, { config: { featuriser: undefined } });
  await play(rowsOf(2, 1_000));
  await play(rowsOf(3, 300, { moved: 3 }));
  expect(notes).toEqual(["the reference has columns of a featuriser, and none is on: they are not watched"]);
  expect(judgements.find(({ stream }) => stream === "features")?.culprits[0]?.name).toBe("gear");
});

test("in the analysis thread, by the config: broken columns are told, and the thread ends as it should", async () => {
  const referencePath = join(folder, "reference.json.gz");
  await writeReference(referencePath, reference);
  const judgements: Judgement[] = [];
  const one = analysis(
    { monitors: optionsOf({ featuriser }), store: storeOptions.parse({}), model: "people", referencePath },
    { clock: systemClock, log: silent, judge: (judgement) => judgements.push(judgement), points: () => {}, dropped: () => {}, note: () => {} },
  );
  await one.start();
  for (const [i, row] of [...rowsOf(2, 500), ...rowsOf(3, 300, { broken: true })].entries()) one.hear(sample(`id-${i}`, [row]));
  for (let waited = 0; waited < 500 && judgements.length === 0; waited += 1) await wait(systemClock, 10);
  expect(judgements.some(({ culprits }) => culprits[0]?.name === error)).toBe(true);
  await one.close();
});

test("a burst is analysed whole: the next batch waits a little for the featuriser, and what that can not take in time is counted", async () => {
  const dropped = new Map<string, number>();
  let counted: readonly Point[] = [];
  const one = analysis(
    { monitors: optionsOf({ featuriser, learn: 500 }), store: storeOptions.parse({}), model: "people" },
    { clock: systemClock, log: silent, judge: () => {}, points: (points) => (counted = points), dropped: (what, count) => dropped.set(what, count), note: () => {} },
  );
  await one.start();
  const level = (name: string) => counted.find(({ instrument, labels }) => instrument.name === name && (labels["what"] ?? labels["result"])?.match(/featuriser|analysed/))?.value;
  for (const [i, row] of rowsOf(2, 8_000).entries()) one.hear(sample(`id-${i}`, [row]));
  for (let waited = 0; waited < 1_000 && level("pilotfish.analysis.rows") !== 8_000; waited += 1) await wait(systemClock, 10);
  expect({ analysed: level("pilotfish.analysis.rows"), dropped }).toEqual({ analysed: 8_000, dropped: new Map() });
  // None on an idle machine; without the wait it would be nearly all.
  expect(level("pilotfish.dropped") ?? 0).toBeLessThan(4_000);
  await one.close();
});

test("an analysis thread that has died again and again is started without it, and says so", async () => {
  const clock = new FakeClock();
  const notes: string[] = [];
  const analyst = await openAnalyst(
    { monitors: optionsOf({ featuriser }), store: storeOptions.parse({}), model: "people", fresh: true },
    { clock, tell: (message) => void (message.type === "told" && notes.push(...message.notes)) },
  );
  clock.advance(1_000);
  analyst.hear({ type: "close" });
  expect(notes).toEqual(["the featuriser is off: with it the analysis thread has died again and again"]);
});

test("pilotfish check says where the model is missing, and takes its path from the config's folder", async () => {
  const config = (path: string) => {
    writeFileSync(join(folder, "pilotfish.yaml"), `server: { url: "http://127.0.0.1:1" }\nmonitors:\n  featuriser: { model: ${path}, kind: autoencoder }\n`);
    return call(["check", "pilotfish.yaml"], folder);
  };
  expect(await config("parity.onnx")).toMatchObject({ code: 0 });
  const { code, err, out } = await config("nobody.onnx");
  expect(code).toBe(2);
  expect(err + out).toMatch(/monitors\.featuriser\.model.*the ONNX model .*nobody\.onnx can not be read: there is no such file/s);
});
