/**
 * What the judge of a rollout keeps of its promise and how soon it finds harm: `npm run bench:judge [-- --quick] [-- --json]
 * [-- --write]`. With --write the table beside two other tools' rules goes into docs/JUDGE.md. About two minutes on one
 * thread; the quick one, of some ten seconds, plays a tenth of the runs.
 */
import { readFile, writeFile } from "node:fs/promises";
import { parseArgs } from "node:util";
import { hash32 } from "../agent/gateway/identity.ts";
import { versionOf } from "../agent/split.ts";
import { errors } from "../detectors/judge/errors.ts";
import { latency } from "../detectors/judge/latency.ts";
import { pairs } from "../detectors/judge/pairs.ts";
import { judge } from "../detectors/judge/verdict.ts";
import { random, seed } from "./chance.ts";
import { flagger, kayenta, type Decision } from "./judge/rules.ts";
import { latencyMs, scenarios, slowerAtTail, stream, type Request } from "./judge/streams.ts";

const { values: flags } = parseArgs({ options: { json: { type: "boolean", default: false }, quick: { type: "boolean", default: false }, write: { type: "boolean", default: false } } });
const scale = flags.quick ? 0.1 : 1;
const alpha = 0.01;
const enough = Math.log(1 / alpha);

interface Row {
  readonly figure: string;
  readonly value: number;
  readonly unit: string;
  /** At most; absent where it is reported only. */
  readonly limit?: number;
  /** At least. */
  readonly floor?: number;
}
const rows: Row[] = [];
function tell(row: Row): void {
  rows.push(row);
  if (flags.json) return;
  const asked = [row.floor === undefined ? "" : `at least ${row.floor}`, row.limit === undefined ? "" : `at most ${row.limit}`].filter(Boolean).join(", ");
  console.log(`${row.figure.padEnd(78)} ${`${Number(row.value.toPrecision(4))} ${row.unit}`.padStart(18)}   ${asked}${isMissed(row) ? "  MISSED" : ""}`);
}
const isMissed = ({ value, limit = Infinity, floor = -Infinity }: Row): boolean => !(value <= limit && value >= floor);

const at = (sorted: readonly number[], q: number): number => sorted[Math.floor(q * (sorted.length - 1))] as number;
/** Of a promise of 1 %, what a quick bench would see of it is chance. */
const promised = flags.quick ? {} : { limit: 100 * alpha };
const times = (runs: number, one: () => number): number[] => Array.from({ length: Math.ceil(runs * scale) }, one).sort((a, b) => a - b);

/** Requests until harm, looked at on every one of them; infinite where none is called. */
function untilHarmByErrors(weight: number, candidateErrors: number, primaryErrors: number, requests: number): number {
  const comparison = errors();
  let state = comparison.start();
  for (let n = 1; n <= requests; n += 1) {
    const candidate = random() < weight;
    const failed = random() < (candidate ? candidateErrors : primaryErrors);
    state = comparison.step(state, { candidate, weight, failed });
    // Evidence moves with failures alone.
    if (failed && comparison.logEvidence(state) >= enough) return n;
  }
  return Infinity;
}

function untilHarmByLatency(q: number, weight: number, slower: (ms: number) => number, requests: number): number {
  const comparison = latency({ q });
  let state = comparison.start();
  let events = 0;
  for (let n = 1; n <= requests; n += 1) {
    const candidate = random() < weight;
    const ms = latencyMs();
    state = comparison.step(state, { candidate, weight, value: candidate ? slower(ms) : ms });
    if (comparison.seen(state).events === events) continue;
    events = comparison.seen(state).events;
    if (comparison.logEvidence(state, enough) >= enough) return n;
  }
  return Infinity;
}

function untilHarmByPairs(worse: number, better: number, most: number): number {
  const comparison = pairs();
  let state = comparison.start();
  for (let n = 1; n <= most; n += 1) {
    const chance = random();
    state = comparison.step(state, { candidate: chance < worse ? "worse" : chance < worse + better ? "better" : "same" });
    if (chance < worse + better && comparison.logEvidence(state) >= enough) return n;
  }
  return Infinity;
}

const ratioOf = (all: readonly number[]): number => (100 * all.filter((n) => n < Infinity).length) / all.length;

function promises(): void {
  seed(1);
  tell({ figure: "healthy, errors 0.5 %, weight 10 %, 200 x 200,000 requests: called harm", value: ratioOf(times(200, () => untilHarmByErrors(0.1, 0.005, 0.005, 200_000))), unit: "%", ...promised });
  tell({ figure: "healthy, p99, weight 10 %, 200 x 200,000 requests: called harm", value: ratioOf(times(200, () => untilHarmByLatency(0.99, 0.1, (ms) => ms, 200_000))), unit: "%", ...promised });
  tell({ figure: "healthy, p50, weight 50 %, 200 x 10,000 requests: called harm", value: ratioOf(times(200, () => untilHarmByLatency(0.5, 0.5, (ms) => ms, 10_000))), unit: "%", ...promised });
  tell({ figure: "healthy shadow, 2 % worse and better, 1,000 x 20,000 pairs: called harm", value: ratioOf(times(1_000, () => untilHarmByPairs(0.02, 0.02, 20_000))), unit: "%", ...promised });
}

function powers(): void {
  for (const [bad, weight, median, p90] of [[0.5, 0.1, 80, 150], [0.05, 0.1, 1_100, undefined], [0.02, 0.1, undefined, undefined], [0.05, 0.02, undefined, undefined]] as const) {
    seed(2);
    const found = times(1_000, () => untilHarmByErrors(weight, bad, 0.005, 100_000));
    const figure = `errors 0.5 % to ${100 * bad} %, weight ${100 * weight} %: requests until harm`;
    tell({ figure: `${figure}, median`, value: at(found, 0.5), unit: "requests", ...(median !== undefined && { limit: median }) });
    tell({ figure: `${figure}, 90th percentile`, value: at(found, 0.9), unit: "requests", ...(p90 !== undefined && { limit: p90 }) });
  }
  for (const [q, weight] of [[0.99, 0.1], [0.99, 0.5], [0.5, 0.5]] as const) {
    seed(3);
    const found = times(q === 0.99 ? 100 : 40, () => untilHarmByLatency(q, weight, slowerAtTail, q === 0.99 ? 200_000 : 10_000));
    const figure = `20 % slower at p99 only, weight ${100 * weight} %, judged by p${100 * q}`;
    tell({ figure: `${figure}: found`, value: ratioOf(found), unit: "%", ...(q === 0.99 ? { floor: 99 } : {}) });
    if (q === 0.99) tell({ figure: `${figure}: requests until harm, median`, value: at(found, 0.5), unit: "requests" });
  }
  seed(3);
  const sums = times(1, () => {
    let [before, after] = [0, 0];
    for (let i = 0; i < 200_000; i += 1) {
      const ms = latencyMs();
      before += ms;
      after += slowerAtTail(ms);
    }
    return 100 * (after / before - 1);
  });
  tell({ figure: "20 % slower at p99 only: what the mean grows by", value: sums[0] as number, unit: "%" });
  for (const [worse, better, limit] of [[0.2, 0.02, 100], [0.06, 0.02, undefined]] as const) {
    seed(4);
    const found = times(1_000, () => untilHarmByPairs(worse, better, 100_000));
    tell({ figure: `shadow, ${100 * worse} % worse and ${100 * better} % better: pairs until harm, median`, value: at(found, 0.5), unit: "pairs", ...(limit !== undefined && { limit }) });
  }
}

function stickiness(): void {
  const keys = 1_000_000 * scale;
  const weights = [0.1, 0.25, 0.5];
  const on = weights.map(() => 0);
  let left = 0;
  for (let i = 0; i < keys; i += 1) {
    const sides = weights.map((weight) => versionOf(`user-${i}`, [{ version: "1", weight: 1 - weight }, { version: "2", weight }], "bench", hash32) === "2");
    for (const [step, side] of sides.entries()) {
      if (side) on[step]! += 1;
      else if (sides[step - 1] === true) left += 1;
    }
  }
  tell({ figure: `split: keys of ${keys} on the candidate at a weight of 10 %`, value: (100 * (on[0] as number)) / keys, unit: "%", floor: 9.7, limit: 10.3 });
  tell({ figure: "split: keys that left the candidate as its weight grew to 50 %", value: left, unit: "keys", limit: 0 });
}

/** The judge at its usual shares, on the very stream the rules are given: an hour is its time box. */
function ours(requests: readonly Request[], weight: number): Decision {
  const tail = (q: number) => ({ comparison: latency({ q }), share: 1, minimumHarm: 0.05, margin: 0.2 });
  const judged = judge({ alpha, comparisons: { errors: { comparison: errors(), share: 3, minimumHarm: 0.002, margin: 0.01 }, p50: tail(0.5), p95: tail(0.95), p99: tail(0.99) } });
  const state = judged.start();
  for (const [i, { candidate, failed, ms }] of requests.entries()) {
    judged.step(state, "errors", { candidate, weight, failed });
    if (failed && judged.isHarmed(state, "errors")) return "rollback";
    // Looked at less often for the sake of time alone.
    for (const name of ["p50", "p95", "p99"] as const) {
      judged.step(state, name, { candidate, weight, value: ms });
      if (i % 25 === 0 && judged.isHarmed(state, name)) return "rollback";
    }
  }
  return judged.read(state, true).verdict === "not-worse" ? "promote" : "undecided";
}

function beside(): string {
  const judges: readonly (readonly [string, (requests: readonly Request[], weight: number) => Decision])[] = [["this judge", ours], ["Flagger's rule", flagger], ["Kayenta's rule", kayenta]];
  const lines = [`| stream of an hour | what counts | ${judges.map(([name]) => name).join(" | ")} |`, `|---|---|${judges.map(() => "---:|").join("")}`];
  for (const scenario of scenarios) {
    seed(5);
    const runs = Math.ceil(200 * scale);
    const rollbacks = judges.map(() => 0);
    for (let run = 0; run < runs; run += 1) {
      const requests = stream(scenario);
      for (const [i, [, decide]] of judges.entries()) if (decide(requests, scenario.weight) === "rollback") rollbacks[i]! += 1;
    }
    const cells = rollbacks.map((count) => `${((100 * (scenario.bad ? runs - count : count)) / runs).toFixed(1)} %`);
    lines.push(`| ${scenario.name} | ${scenario.bad ? "missed" : "false rollbacks"} | ${cells.join(" | ")} |`);
    if (!flags.json) console.log(lines.at(-1));
  }
  return lines.join("\n");
}

promises();
powers();
stickiness();
const table = beside();
if (flags.json) console.log(JSON.stringify({ rows, table }));
if (flags.write) {
  const page = new URL("../docs/JUDGE.md", import.meta.url);
  const measured = rows.map(({ figure, value, unit, limit, floor }) => `| ${figure} | ${Number(value.toPrecision(4))} ${unit} | ${floor === undefined ? "" : `at least ${floor} `}${limit === undefined ? "" : `at most ${limit}`} |`);
  const written = ["| what | measured | asked |", "|---|---:|---|", ...measured].join("\n");
  let text = await readFile(page, "utf8");
  for (const [name, content] of [["figures", written], ["rules", table]] as const) {
    text = text.replace(new RegExp(`(<!-- ${name} -->\n)[^]*?(<!-- /${name} -->)`), (_, open: string, close: string) => `${open}${content}\n${close}`);
  }
  await writeFile(page, text);
}
if (rows.some(isMissed)) process.exitCode = 1;
