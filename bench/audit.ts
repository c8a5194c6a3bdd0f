/**
 * The audit: false alarms and delays of every detector at its defaults, with one that looks at nothing beside them:
 * `npm run bench:audit [-- --quick]` writes docs/DETECTORS.md (`--json` prints the figures instead). About two minutes.
 *
 * Detectors of numbers get standard normal values, those of errors and rates zeros and ones with a mean of 0.1. False alarms
 * are counted on fresh streams of 10,000 values in which nothing changes, the detector started anew after each alarm; once
 * more where each value depends on the one before (a correlation of 0.7). The change comes after 1,000 values: a detector
 * that alarmed before starts anew there; a change not found within 5,000 values is missed.
 */
import { writeFile } from "node:fs/promises";
import { parseArgs } from "node:util";
import { changeDetectors } from "../detectors/change/change-detectors.ts";
import { alwaysFire, evaluateAlarms } from "../detectors/change/evaluation.ts";
import type { Detector } from "../detectors/detector.ts";
import { conformalDetector } from "../detectors/guarantee/conformal-detector.ts";
import { meanEDetector } from "../detectors/guarantee/mean-e-detector.ts";
import { normalQuantile } from "../detectors/special/normal.ts";
import { featureReference } from "../detectors/reference/reference.ts";
import { gaussian, random, seed } from "./chance.ts";

const { values: flags } = parseArgs({ options: { json: { type: "boolean", default: false }, quick: { type: "boolean", default: false } } });
const scale = flags.quick ? 0.1 : 1;

const streamLength = 10_000;
const before = 1_000;
const horizon = 5_000;
const samplesPerFalseAlarm = 100_000;

interface Audited {
  readonly name: string;
  readonly setting: string;
  readonly on: "numbers" | "errors";
  /** Values that a detector is given in all; slow ones get fewer. */
  readonly values: number;
  /** Compares with a fixed reference, and so alarms for as long as a change lasts: F1 would count that against it. */
  readonly anchored?: boolean;
  /** Made anew for each stream, since some need a reference. */
  readonly make: () => Detector<unknown>;
}

interface Figures {
  readonly name: string;
  readonly setting: string;
  readonly on: Audited["on"];
  /** Per 10,000 values. */
  readonly falseAlarms: number;
  readonly dependent: number;
  /** Per change: mean delay of the changes found, ratio of those missed. */
  readonly changes: readonly { readonly change: string; readonly delay: number | undefined; readonly missed: number }[];
  /** Of alarms on a stream with a change each 5,000 values, an alarm within 1,000 values being right. */
  readonly f1: number | undefined;
}

const slow: Readonly<Record<string, number>> = { kswin: 300_000, bocpd: 150_000 };

const audited: readonly Audited[] = [
  {
    name: "conformal e-detector",
    setting: "reference of 10,000, 1 per 1e5",
    on: "numbers",
    values: 1e7,
    anchored: true,
    make: () => conformalDetector(featureReference("x", Array.from({ length: 10_000 }, gaussian)), { samplesPerFalseAlarm, seed: Math.floor(1e9 * random()) }) as Detector<unknown>,
  },
  { name: "mean e-detector", setting: "baseline 0.1, 1 per 1e5", on: "errors", values: 1e7, anchored: true, make: () => meanEDetector({ baseline: 0.1, samplesPerFalseAlarm }) as Detector<unknown> },
  ...Object.entries(changeDetectors).map(([name, { domain, make }]): Audited => ({
    name,
    setting: "defaults",
    on: domain === "number" ? "numbers" : "errors",
    values: slow[name] ?? 1e6,
    make: () => make({}) as Detector<unknown>,
  })),
];

const changes = {
  numbers: [
    { change: "mean + 0.5 sigma", value: () => gaussian() + 0.5 },
    { change: "mean + 1 sigma", value: () => gaussian() + 1 },
    { change: "sigma x 1.5", value: () => 1.5 * gaussian() },
  ],
  errors: [
    { change: "0.1 to 0.2", value: () => Number(random() < 0.2) },
    { change: "0.1 to 0.4", value: () => Number(random() < 0.4) },
    { change: "0.1 to 0.12", value: () => Number(random() < 0.12) },
  ],
} as const;
const usual = { numbers: gaussian, errors: () => Number(random() < 0.1) } as const;

/** The same values at each moment, but each near the one before. */
function dependent(on: Audited["on"]): () => number {
  let level = gaussian();
  const atMost = normalQuantile(0.1);
  return () => {
    level = 0.7 * level + Math.sqrt(1 - 0.49) * gaussian();
    return on === "numbers" ? level : Number(level < atMost);
  };
}

function alarmsIn(detector: Detector<unknown>, length: number, value: () => number): number[] {
  const alarms: number[] = [];
  let state = detector.start();
  for (let i = 0; i < length; i += 1) {
    state = detector.step(state, value());
    if (detector.read(state).verdict !== "drift") continue;
    alarms.push(i);
    state = detector.start();
  }
  return alarms;
}

function perTenThousand({ make, values }: Audited, value: () => () => number): number {
  const streams = Math.max(5, Math.round((scale * values) / streamLength));
  let alarms = 0;
  for (let stream = 0; stream < streams; stream += 1) alarms += alarmsIn(make(), streamLength, value()).length;
  return alarms / streams;
}

function delayOf({ make, on, values }: Audited, changed: () => number): { delay: number | undefined; missed: number } {
  const runs = Math.max(20, Math.round((scale * Math.min(values, 1e6)) / 5_000));
  const delays: number[] = [];
  for (let run = 0; run < runs; run += 1) {
    const detector = make();
    let state = detector.start();
    for (let i = 0; i < before; i += 1) {
      state = detector.step(state, usual[on]());
      if (detector.read(state).verdict === "drift") state = detector.start();
    }
    for (let i = 1; i <= horizon; i += 1) {
      state = detector.step(state, changed());
      if (detector.read(state).verdict !== "drift") continue;
      delays.push(i);
      break;
    }
  }
  return { delay: delays.length === 0 ? undefined : delays.reduce((sum, delay) => sum + delay, 0) / delays.length, missed: 1 - delays.length / runs };
}

const spacing = 5_000;
const tolerance = 1_000;

/** The levels alternate between usual and changed every 5,000 values. */
function f1Of(alarms: readonly number[], length: number): number | undefined {
  const drifts = Array.from({ length: length / spacing - 1 }, (_, i) => (i + 1) * spacing);
  return evaluateAlarms({ alarms, drifts, length, tolerance }).f1;
}

function audit(one: Audited): Figures {
  seed(20_260_101);
  const [first] = changes[one.on];
  let at = 0;
  const length = Math.min(100_000, one.values / 3);
  const alternating = () => (Math.floor(at++ / spacing) % 2 === 0 ? usual[one.on]() : first.value());
  return {
    name: one.name,
    setting: one.setting,
    on: one.on,
    falseAlarms: perTenThousand(one, () => usual[one.on]),
    dependent: perTenThousand(one, () => dependent(one.on)),
    changes: changes[one.on].map(({ change, value }) => ({ change, ...delayOf(one, value) })),
    f1: one.anchored === true ? undefined : f1Of(alarmsIn(one.make(), length, alternating), length),
  };
}

/** Alarms after every 100 values, whatever they are. */
function baseline(on: Audited["on"]): Figures {
  const found = { delay: 50.5, missed: 0 };
  return {
    name: "always-fire",
    setting: "every 100 values",
    on,
    falseAlarms: streamLength / 100,
    dependent: streamLength / 100,
    changes: changes[on].map(({ change }) => ({ change, ...found })),
    f1: f1Of(alwaysFire(100_000, 100), 100_000),
  };
}

function table(on: Audited["on"], figures: readonly Figures[]): string {
  const rows = figures.filter((one) => one.on === on);
  const names = changes[on].map(({ change }) => change);
  const cells = rows.map(({ name, setting, falseAlarms, dependent: correlated, changes: found, f1 }) => [
    name,
    setting,
    short(falseAlarms),
    short(correlated),
    ...found.map(({ delay, missed }) => `${delay === undefined ? "-" : Math.round(delay)}${missed > 0 ? ` (${Math.round(100 * missed)} % missed)` : ""}`),
    f1 === undefined ? "-" : f1.toFixed(2),
  ]);
  const head = ["detector", "at", "false alarms per 10,000", "the same, correlation 0.7", ...names, "F1"];
  return [head, head.map(() => "---"), ...cells].map((row) => `| ${row.join(" | ")} |`).join("\n");
}

function short(value: number): string {
  return value === 0 ? "0" : String(Number(value.toPrecision(2)));
}

const figures: Figures[] = [];
for (const one of audited) {
  figures.push(audit(one));
  if (!flags.json) console.error(`${one.name}: ${short(figures.at(-1)?.falseAlarms as number)} false alarms per 10,000 values`);
}
figures.push(baseline("numbers"), baseline("errors"));

const page = `# Audit of the detectors

Generated by \`npm run bench:audit\`; do not edit. Each detector at its defaults, started anew after every alarm.

- **False alarms** are counted on fresh streams of ${streamLength.toLocaleString("en")} values in which nothing changes. Some detectors alarm mostly while
  they are young, so the length of the streams matters.
- **Correlation 0.7**: the same values, each near the one before. No detector's promise holds there; thin the rows first
  (\`pilotfish reference\` says by how much, and the running Pilotfish does).
- **Delays** are means over the changes that were found within ${horizon.toLocaleString("en")} values, after ${before.toLocaleString("en")} values in which nothing had changed. A short delay
  beside many false alarms is worth nothing: compare with the detector that looks at nothing.
- **F1** is that of alarms on a stream that changes every ${spacing.toLocaleString("en")} values by the first change, alarms within ${tolerance.toLocaleString("en")} values being right. It rewards
  whoever alarms often; the last row shows how much it is worth. Detectors that compare with a reference alarm for as long as
  a change lasts, which F1 would count against them; they have none.

## Numbers: standard normal

${table("numbers", figures)}

## Errors: zeros and ones with a mean of 0.1

${table("errors", figures)}

The conformal e-detector and the mean e-detector promise at most one false alarm in 100,000 values here, that is 0.1 in
10,000; all others promise nothing. The mean e-detector is told the mean beforehand; the others learn it from the stream.
`;

if (flags.json) console.log(JSON.stringify({ node: process.version, figures }, undefined, 2));
else await writeFile(new URL("../docs/DETECTORS.md", import.meta.url), page);
