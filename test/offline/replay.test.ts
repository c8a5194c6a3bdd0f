/** Data made here, whose changes are known, played against a reference made of them. */
import { expect, test } from "vitest";
import { joinActuals } from "../../agent/offline/actuals-join.ts";
import { openTable } from "../../agent/offline/data.ts";
import { makeReference } from "../../agent/offline/make-reference.ts";
import { replay, type Replay, type ReplayOptions } from "../../agent/offline/replay.ts";
import { report } from "../../agent/offline/report.ts";
import { chance } from "../detectors/chance.ts";
import { makeFolder } from "./folder.ts";

const { path, put } = makeFolder();

interface Made {
  readonly rows: number;
  readonly seed: number;
  /** From this row on `size` is half a standard deviation larger and `colour` is blue more often. */
  readonly changeAt?: number;
  readonly secondsARow?: number;
}

const startMs = Date.UTC(2026, 0, 1);

/** `size` is normal; `colour` red, green or blue; `p` the probability of `y`. */
function csv({ rows, seed, changeAt = Infinity, secondsARow = 60 }: Made): string {
  const random = chance(seed);
  const lines = ["id,at,size,colour,p,guess,y"];
  for (let row = 0; row < rows; row += 1) {
    const changed = row >= changeAt;
    const size = Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random()) + (changed ? 0.5 : 0);
    const u = random();
    const colour = u < (changed ? 0.6 : 0.2) ? "blue" : u < 0.8 ? "red" : "green";
    const p = random();
    lines.push(`k${row},${new Date(startMs + row * secondsARow * 1_000).toISOString()},${size.toFixed(6)},${colour},${p.toFixed(6)},${p >= 0.5 ? 1 : 0},${random() < p ? 1 : 0}`);
  }
  return `${lines.join("\n")}\n`;
}

const roles = { score: "p", prediction: "guess", actual: "y" };
put("reference.csv", csv({ rows: 8_000, seed: 1 }));
const { reference, notes } = await makeReference({ table: await openTable("reference.csv", path), model: "m", roles: { ...roles, timestamp: "at" }, ignore: [] });

async function play(text: string, options: Partial<ReplayOptions> = {}): Promise<Replay> {
  put("data.csv", text);
  return replay({ table: await openTable("data.csv", path), reference, roles: reference.columns ?? {}, chunking: { rows: 1_000 }, falseAlarms: { alarms: 1, perSamples: 1e5 }, ...options });
}

test("the reference knows kinds, roles and performance, and leaves the identifier out", () => {
  expect(reference.features.map(({ name, kind }) => [name, kind])).toEqual([["size", "numeric"], ["colour", "categorical"]]);
  expect(reference.columns).toEqual({ ...roles, timestamp: "at" });
  expect(reference.estimator?.problem).toBe("binary");
  expect(reference.performance?.["roc_auc"]).toBeCloseTo(5 / 6, 1); // of a score that is the probability itself
  expect(notes.join("\n")).toContain("id: every row has a value of its own");
});

test("data like the reference raise no alarm, and are where chance puts them", async () => {
  const { alarms, chunks } = await play(csv({ rows: 8_000, seed: 2 }));
  expect(alarms).toEqual([]);
  for (const { features, performance } of chunks) {
    expect(features["size"]?.["ks_p"]).toBeGreaterThan(1e-4);
    expect(features["colour"]?.["chi2_p"]).toBeGreaterThan(1e-4);
    expect(performance.estimated?.["roc_auc"]?.lower).toBeLessThan(5 / 6);
    expect(performance.realised?.["roc_auc"]?.upper).toBeGreaterThan(5 / 6);
  }
});

test("what changes is named, at the row and the time when it could be known, and the measures are those of its definition", async () => {
  const { alarms, chunks, causes } = await play(csv({ rows: 8_000, seed: 3, changeAt: 4_000 }));
  const drift = alarms.filter(({ kind }) => kind === "drift");
  expect(new Set(drift.map(({ feature }) => feature))).toEqual(new Set(["size", "colour"]));
  const [first] = drift;
  expect(first?.row).toBeGreaterThan(4_000);
  expect(first?.row).toBeLessThan(4_400);
  expect(first?.time).toBe(new Date(startMs + (first?.row as number) * 60_000).toISOString());
  expect(causes).toEqual([]);
  const { size, colour } = (chunks[6] as (typeof chunks)[number]).features;
  expect(size?.["wasserstein"]).toBeCloseTo(0.5, 1);
  expect(size?.["mean"]).toBeCloseTo(0.5, 1);
  expect(size?.["ks"]).toBeCloseTo(0.197, 1); // 2 Phi(1/4) - 1
  expect(colour?.["total_variation"]).toBeCloseTo(0.4, 1);
  expect(colour?.["cramers_v"]).toBeGreaterThan(0.2);
  expect(colour).not.toHaveProperty("mean");
  expect(chunks[0]?.start).toBe("2026-01-01T00:00:00.000Z");
});

test("chunks by the calendar begin with it, and the last one of a number of rows is marked where it is short", async () => {
  const days = await play(csv({ rows: 3_000, seed: 4 }), { chunking: "day" });
  expect(days.chunks.map(({ first, last, start, short }) => ({ first, last, start, short }))).toEqual([
    { first: 0, last: 1_439, start: "2026-01-01T00:00:00.000Z", short: undefined },
    { first: 1_440, last: 2_879, start: "2026-01-02T00:00:00.000Z", short: undefined },
    { first: 2_880, last: 2_999, start: "2026-01-03T00:00:00.000Z", short: undefined },
  ]);
  expect((await play(csv({ rows: 2_500, seed: 4 }))).chunks.map(({ first, last, short }) => [first, last, short])).toEqual([[0, 999, undefined], [1_000, 1_999, undefined], [2_000, 2_499, true]]);
});

test("a single row is a chunk, with what can be said of one row", async () => {
  const { chunks, rows } = await play(csv({ rows: 1, seed: 4 }));
  expect(rows).toBe(1);
  expect(chunks).toHaveLength(1);
  expect(chunks[0]?.features["size"]).not.toHaveProperty("ks_p");
  expect(chunks[0]?.features["size"]?.["psi"]).toBeGreaterThan(0);
});

test("actuals join by identifier in any order, those that are missing are counted, and strangers are refused", async () => {
  const text = csv({ rows: 3_000, seed: 5 });
  const lines = text.trim().split("\n").slice(1).map((line) => line.split(","));
  put("actuals.csv", `id,y\n${lines.filter((_, row) => row % 3 > 0).map(([id, , , , , , y]) => `${id},${y}`).reverse().join("\n")}\n`);
  const without = text.replaceAll(/,[^,\n]*$/gm, "");
  const join = async (id: string | undefined, name = "actuals.csv") => ({ id, join: joinActuals(await openTable(name, path), id, "y") });

  const joined = await play(without, { actuals: await join("id") });
  const whole = await play(text);
  expect(joined.notes).toEqual(["1000 of 3000 rows have no actual in actuals.csv."]);
  expect(joined.chunks[0]?.performance.estimated).toEqual(whole.chunks[0]?.performance.estimated);
  expect(Math.abs((joined.chunks[0]?.performance.realised?.["accuracy"]?.value ?? NaN) - (whole.chunks[0]?.performance.realised?.["accuracy"]?.value ?? NaN))).toBeLessThan(0.05);

  await expect(play(without, { actuals: await join(undefined) })).rejects.toThrow("actuals.csv: has 2000 rows and the data have more; name the column that joins them with --id");
  put("strangers.csv", "id,y\nz1,0\nz2,1\n");
  await expect(play(without, { actuals: await join("id", "strangers.csv") })).rejects.toThrow('strangers.csv: no "id" of the data occurs in it');
  put("twice.csv", "id,y\nk0,0\nk0,1\n");
  await expect(play(without, { actuals: await join("id", "twice.csv") })).rejects.toThrow('twice.csv: row 2, column "id": "k0" stands there a second time');
});

test.for<readonly [what: string, change: (text: string) => string, says: string]>([
  ["a missing feature", (text) => text.replace("colour", "color"), 'data.csv: a feature of the reference: there is no column "colour"; it has id, at, size, color, p, guess, y'],
  ["a missing role", (text) => text.replace(",p,", ",q,"), 'data.csv: --score: there is no column "p"'],
  ["text for numbers", (text) => text.replaceAll(/(Z,)[^,]*/g, "$1big"), 'data.csv: row 1, column "size": expected numbers as in the reference, got "big" and other text only'],
  ["numbers for text", (text) => text.replaceAll(/red|green|blue/g, "3"), 'data.csv: row 1, column "colour": expected categories such as "blue" as in the reference, got 3 and other numbers only'],
  ["a time that is none", (text) => text.replace("2026-01-01T00:02:00.000Z", "noon"), 'data.csv: row 3, column "at": expected a time such as'],
])("%s is refused, with file, row and column", async ([, change, says]) => {
  await expect(play(change(csv({ rows: 20, seed: 6 })))).rejects.toThrow(says);
});

test("single values of another kind are drift and no mistake in the file", async () => {
  const { alarms, causes } = await play(csv({ rows: 4_000, seed: 7 }).split("\n").map((line, row) => (row > 2_000 && row % 3 === 0 ? line.replace(/(Z,)[^,]*/, "$1unknown") : line)).join("\n"));
  expect(alarms.some(({ feature, row }) => feature === "size" && row > 2_000 && row < 2_300)).toBe(true);
  expect(causes.every(({ feature }) => feature === "size")).toBe(true);
});

test("without times a budget in time is refused, and so are chunks by the calendar", async () => {
  const text = csv({ rows: 20, seed: 6 });
  await expect(play(text, { roles, falseAlarms: { alarms: 1, perMs: 1e9 } })).rejects.toThrow('--false-alarms: rows have no times, so the budget must be in samples, such as "1 per 1e6 samples"');
  await expect(play(text, { roles, chunking: "day" })).rejects.toThrow("--chunk day: rows have no times; name their column with --timestamp");
});

test("a report stands alone, says in words what moved, and holds no name unescaped", async () => {
  const told = await play(csv({ rows: 6_000, seed: 8, changeAt: 3_000 }));
  const html = report(told, { model: "<b>&", data: "data.csv", referenceRows: reference.rows, thinning: 1, madeAtMs: 0 });
  expect(html).not.toMatch(/<script|<link|<img|\bsrc=|\bhref=|https?:|@import|url\(/);
  expect(html).toContain("&lt;b&gt;&amp;");
  expect(html).not.toContain("<b>&</");
  expect(html).toContain("<b>size</b> moved. First alarm at row 3,");
  expect(html).not.toMatch(/NaN|undefined|Infinity/);
});

test("a report of two hundred features that did not move is still a page that opens at once", async () => {
  const told = await play(csv({ rows: 6_000, seed: 9 }));
  const [stream] = told.streams;
  const streams = Array.from({ length: 200 }, (_, i) => ({ reference: { ...(stream as (typeof told.streams)[number]).reference, name: `f${i}` }, alarmName: `f${i}` }));
  const size = (record: Readonly<Record<string, unknown>>) => Object.fromEntries(streams.map(({ reference: { name } }) => [name, record["size"]])) as never;
  const many: Replay = {
    ...told,
    streams,
    chunks: told.chunks.map((chunk) => ({ ...chunk, features: size(chunk.features) })),
    shapes: told.shapes.map((counted) => new Map(streams.map(({ reference: { name } }) => [name, counted.get("size") as ArrayLike<number>]))),
  };
  const html = report(many, { model: "m", data: "data.csv", referenceRows: reference.rows, thinning: 1, madeAtMs: 0 });
  expect(html.length).toBeLessThan(1_000_000);
  expect(html).toContain("<b>No feature moved.</b> All 200 still look like the reference");
});
