import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { type ChangeDetector, changeDetectors, type Parameter } from "../../detectors/change/change-detectors.ts";
import type { Detector } from "../../detectors/detector.ts";
import { bytesPerStep } from "./allocation.ts";
import { chance, gaussian } from "./chance.ts";
import { conforms, type Subject } from "./conformance.ts";
import knownAnswers from "./known-answers/change-detectors.json" with { type: "json" };
import { alarmsOf } from "./monitored.ts";

type Name = keyof typeof changeDetectors;
type Values = Readonly<Record<string, number | boolean | string>>;

/** Beside the defaults: settings that reach every branch within 200 values. */
const settings: Readonly<Record<Name, readonly Values[]>> = {
  adwin: [{ clock: 1, delta: 0.3, maxBuckets: 2, minWindow: 1, grace: 1 }],
  "page-hinkley": [{ warmup: 1, delta: 0, threshold: 5, alpha: 1, mode: "down" }],
  cusum: [{ warmup: 5, threshold: 3, mode: "up" }],
  ewma: [{ alpha: 0.5, threshold: 2, warmup: 5 }],
  gma: [{ warmup: 1, alpha: 0.5, mode: "both" }],
  shewhart: [{ warmup: 5, threshold: 2, mode: "down" }],
  ddm: [{ warmup: 5, warning: 1, drift: 2 }],
  eddm: [{ warmup: 3, alpha: 1, beta: 0.9 }],
  rddm: [{ warmup: 5, conceptMax: 60, conceptMin: 17, warningMax: 5 }],
  "hddm-a": [{ driftConfidence: 0.2, warningConfidence: 0.4, twoSided: true }],
  "hddm-w": [{ driftConfidence: 0.2, warningConfidence: 0.4, lambda: 0.3, twoSided: true }],
  fhddm: [{ window: 20, confidence: 0.01, shortWindow: 7 }],
  stepd: [{ window: 10, driftLevel: 0.1, warningLevel: 0.2, mode: "up" }],
  kswin: [
    { window: 20, stat: 10, alpha: 0.05 },
    { window: 150, stat: 2, alpha: 0.4, seed: 9 },
  ],
  ecdd: [{ warmup: 1, averageRunLength: 1000 }],
  bocpd: [
    { warmup: 1, runsMax: 5, hazard: 0.2 },
    { warmup: 5, variance: "learnt" },
  ],
};

/** Where what is normal is given, any other level is a change. */
const given: readonly (readonly [Name, Values])[] = [
  ["cusum", { mean: 3, standardDeviation: 2 }],
  ["shewhart", { mean: 3, standardDeviation: 2 }],
  ["ewma", { mean: 3, standardDeviation: 2 }],
];

const values: Readonly<Record<ChangeDetector["domain"], fc.Arbitrary<number>>> = {
  // Of everyday size, whole, and anything that a double can hold.
  number: fc.oneof(
    { weight: 6, arbitrary: fc.double({ min: -10, max: 10, noNaN: true }) },
    { weight: 3, arbitrary: fc.integer({ min: 0, max: 5 }) },
    { weight: 1, arbitrary: fc.double({ noNaN: true, noDefaultInfinity: true }) },
  ),
  ratio: fc.oneof(fc.double({ min: 0, max: 1, noNaN: true }), fc.constantFrom(0, 1)),
  bit: fc.constantFrom(0, 1),
};

const refused = {
  number: [Number.NaN, Infinity, -Infinity, "5", undefined],
  ratio: [Number.NaN, Infinity, -Infinity, 7, -0.1, 1.000_001, "1", undefined],
  bit: [Number.NaN, Infinity, -Infinity, 7, -1, 0.5, true, undefined],
} as const;

const constants = {
  number: [0, 1, -1, 0.1, 1e6 + 0.1, -1e12 / 3, 1e300, Number.MAX_VALUE, Number.MIN_VALUE],
  ratio: [0, 1, 0.1, 1 / 3],
  bit: [0, 1],
} as const;

function subject(name: Name, parameters: Values, levels?: readonly number[]): Subject {
  const { domain, make }: ChangeDetector = changeDetectors[name];
  return {
    name: `${name} ${JSON.stringify(parameters)}`,
    detector: make(parameters),
    value: values[domain],
    refused: refused[domain],
    constants: levels ?? constants[domain],
  };
}

const names = Object.keys(changeDetectors) as Name[];

const subjects: readonly Subject[] = [
  ...names.flatMap((name) => [{}, ...settings[name]].map((parameters) => subject(name, parameters))),
  ...given.map(([name, parameters]) => subject(name, parameters, [3])),
];

for (const one of subjects) conforms(one);

test("a detector that allocates at each step, or at every other one, is found out", () => {
  const read = () => ({ verdict: "stable", statistic: 0, threshold: 0 }) as const;
  const copying: Detector<{ readonly sum: number }> = { guarantee: "", start: () => ({ sum: 0 }), step: ({ sum }, value) => ({ sum: sum + value }), read };
  const sometimes: Detector<{ count: number; kept: readonly number[] }> = {
    guarantee: "",
    start: () => ({ count: 0, kept: [] }),
    step(state, value) {
      state.count += 1;
      if (state.count % 2 === 0) state.kept = [value];
      return state;
    },
    read,
  };
  const stream = Array.from({ length: 8_000 }, (_, i) => i / 7);
  expect(bytesPerStep(copying, stream)).toBeGreaterThan(8);
  expect(bytesPerStep(sometimes, stream)).toBeGreaterThan(8);
});

test.each(knownAnswers.cases)("$detector with $params alarms on $stream at $alarms ($source)", ({ detector, params, stream, alarms }) => {
  const { make }: ChangeDetector = changeDetectors[detector as Name];
  const parameters = Object.fromEntries(Object.entries(params).map(([name, value]) => [name.replace(/_$/, ""), value]));
  expect(alarmsOf(make(parameters as Values), knownAnswers.streams[stream as keyof typeof knownAnswers.streams])).toEqual(alarms);
});

describe.each(names)("the parameters of %s", (name) => {
  const { parameters, make }: ChangeDetector = changeDetectors[name];

  /** What the command line or a careless program may hand over. */
  function wrong({ kind, default: standard, choices, min, above, max, below }: Parameter): unknown[] {
    if (kind === "boolean") return ["yes", 1, "true"];
    if (kind === "choice") return ["sideways", "", 1];
    return [
      Number.NaN,
      Infinity,
      -Infinity,
      "5",
      true,
      ...(kind === "integer" ? [1.5, 2 ** 60] : []),
      ...(choices === undefined ? [] : [Number(standard) + 1]),
      ...(min === undefined ? [] : [min - 1]),
      ...(above === undefined ? [] : [above, above - 1]),
      ...(max === undefined ? [] : [max + 1]),
      ...(below === undefined ? [] : [below, below + 1]),
    ];
  }

  test.each(Object.entries(parameters))("%s: any value out of its range is refused by name", (option, parameter) => {
    for (const value of wrong(parameter)) {
      expect(() => make({ [option]: value as number }), String(value)).toThrow(RangeError);
      expect(() => make({ [option]: value as number })).toThrow(new RegExp(`^\\w+: ${option} must be .+, got `));
    }
  });

  test("one that it does not have is refused with those that it has", () => {
    expect(() => make({ lamda: 1 })).toThrow(new RegExp(`expected options out of ${Object.keys(parameters).join(", ")}, got lamda`));
  });

  test("what is left out has the default that is told", () => {
    const defaults = Object.fromEntries(Object.entries(parameters).map(([option, { default: standard }]) => [option, standard]));
    const next = chance(4);
    const stream = Array.from({ length: 2_000 }, (_, i) => Number(next() < (i < 1_000 ? 0.1 : 0.5)));
    expect(alarmsOf(make({}), stream)).toEqual(alarmsOf(make(defaults), stream));
  });
});

/** Shares of 10,000 values that the guarantees name, on fresh streams of so many. */
const declared: readonly (readonly [name: Name, parameters: Values, stream: "normal" | number, alarmsPer10000: number, values: number])[] = [
  ["adwin", {}, "normal", 0.01, 1e6],
  ["page-hinkley", {}, "normal", 5.9, 1e6],
  ["page-hinkley", {}, 0.1, 0.3, 1e6],
  ["cusum", { mean: 0, standardDeviation: 1 }, "normal", 1e4 / 465, 1e6],
  ["cusum", {}, "normal", 19, 1e6],
  ["shewhart", { mean: 0, standardDeviation: 1 }, "normal", 1e4 / 370, 1e6],
  ["shewhart", {}, "normal", 15, 1e6],
  ["ewma", {}, "normal", 1.2, 1e6],
  ["ewma", { mean: 0, standardDeviation: 1 }, "normal", 0.5, 1e6],
  ["gma", {}, "normal", 0, 1e6],
  ["ddm", {}, 0.1, 1, 1e6],
  ["rddm", {}, 0.1, 2.8, 1e6],
  ["eddm", {}, 0.1, 17, 1e6],
  ["hddm-a", {}, 0.1, 0.03, 1e6],
  ["hddm-w", {}, 0.1, 0.01, 1e6],
  ["hddm-w", {}, 0.3, 4, 1e6],
  ["fhddm", {}, 0.1, 0.01, 1e6],
  ["fhddm", {}, 0.3, 1.7, 1e6],
  ["stepd", {}, 0.1, 5, 1e6],
  ["kswin", {}, "normal", 13, 2e5],
  ["ecdd", {}, 0.2, 1e4 / 381, 1e6],
  ["bocpd", {}, "normal", 20, 1e5],
];

test.each(declared)("%s %j, steady %s: %d false alarms in a stream of 10,000, over %d values", (name, parameters, stream, alarmsPer10000, total) => {
  const { make }: ChangeDetector = changeDetectors[name];
  const detector = make(parameters);
  const next = chance(11);
  const one = stream === "normal" ? () => gaussian(next) : () => Number(next() < stream);
  let alarms = 0;
  for (let i = 0; i < total; i += 10_000) alarms += alarmsOf(detector, Float64Array.from({ length: 10_000 }, one)).length;
  const expected = (alarmsPer10000 * total) / 10_000;
  // A tenth for the rounding of what is told, and four deviations of a count whose alarms come in twos.
  expect(Math.abs(alarms - expected)).toBeLessThanOrEqual(0.1 * expected + 4 * Math.sqrt(2 * expected));
});
