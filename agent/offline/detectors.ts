/**
 * The detectors that the command line knows, by name: the classic change detectors, and those whose rate of false alarms is
 * promised, which need to know what normal looked like.
 */
import { changeDetectors } from "../../detectors/change/change-detectors.ts";
import { rangeOf, type Parameter } from "../../detectors/change/parameter.ts";
import type { Detector } from "../../detectors/detector.ts";
import { conformalDetector } from "../../detectors/guarantee/conformal-detector.ts";
import { meanEDetector } from "../../detectors/guarantee/mean-e-detector.ts";
import type { Value } from "../../detectors/reference/reference.ts";
import { parseFalseAlarmBudget } from "../units.ts";
import { InputError } from "./input-error.ts";
import { featureOf, normalMean } from "./normal.ts";
import { finiteNumber } from "./number.ts";

export type ParameterValue = number | boolean | string;

/** A parameter as the table of change detectors has it, or one that is written in words, such as a budget. */
export type Setting = Parameter | { readonly kind: "text"; readonly default: string; readonly help: string };

export interface DetectorChoice {
  /** What it does and where it is from, in a line. */
  readonly source: string;
  readonly settings: Readonly<Record<string, Setting>>;
  /** In one sentence, for a person. */
  readonly guarantee: () => string;
  /** Whether it can tell nothing without a reference. */
  readonly needsReference: boolean;
  make(settings: Readonly<Record<string, ParameterValue>>, reference: string | undefined, cwd: string): Promise<Running>;
}

/** A detector and how it takes a line of the input. */
export interface Running {
  readonly detector: Detector<unknown>;
  /** Where the input may be something else than numbers. */
  readonly stepValue?: ((state: unknown, value: Value) => unknown) | undefined;
}

const falseAlarms: Setting = { kind: "text", default: "1 per 1e5 samples", help: "how many false alarms are acceptable" };
const feature: Setting = { kind: "text", default: "", help: "the reference's feature, where it has several" };

const promised: Readonly<Record<string, DetectorChoice>> = {
  "conformal-e-detector": {
    source: "a value that no longer looks like the reference, whatever the distribution; a promised rate of false alarms",
    guarantee: () => "While values keep coming as the reference's did, independent of each other, a false alarm comes no more often than falseAlarms says.",
    needsReference: true,
    settings: { falseAlarms, feature, seed: { kind: "integer", default: 1, help: "of the chance that breaks ties" } },
    async make(settings, reference, cwd) {
      const normal = await featureOf(reference as string, String(settings["feature"]), cwd);
      const detector = conformalDetector(normal, { samplesPerFalseAlarm: samplesPerAlarm(settings), seed: settings["seed"] as number });
      return { detector: detector as Detector<unknown>, stepValue: (state, value) => detector.stepValue(state as ReturnType<typeof detector.start>, value) };
    },
  },
  "mean-e-detector": {
    source: "the mean of values in 0 to 1, such as errors, beyond a baseline; a promised rate of false alarms",
    guarantee: () => "While the mean stays on the right side of the baseline, a false alarm comes no more often than falseAlarms says, however the values depend on each other.",
    needsReference: false,
    settings: {
      baseline: { kind: "number", default: 0.1, help: "the mean, 0 to 1, that is still normal; from the reference where one is given" },
      falseAlarms,
      direction: { kind: "choice", default: "up", choices: ["up", "down", "both"], help: "which change of the mean alarms" },
      feature,
    },
    async make(settings, reference, cwd) {
      const given = settings["baseline"] as number;
      const baseline = reference === undefined ? given : normalMean(await featureOf(reference, String(settings["feature"]), cwd));
      const direction = settings["direction"] as "up" | "down" | "both";
      return { detector: meanEDetector({ baseline, direction, samplesPerFalseAlarm: samplesPerAlarm(settings) }) as Detector<unknown> };
    },
  },
};

const classic: Readonly<Record<string, DetectorChoice>> = Object.fromEntries(
  Object.entries(changeDetectors).map(([name, { source, parameters, make }]): [string, DetectorChoice] => [
    name,
    {
      source,
      settings: parameters,
      guarantee: () => make(Object.fromEntries(Object.entries(parameters).map(([key, { default: value }]) => [key, value]))).guarantee,
      needsReference: false,
      make: (settings) => Promise.resolve({ detector: make(settings) }),
    },
  ]),
);

export const detectors: Readonly<Record<string, DetectorChoice>> = { ...classic, ...promised };

function samplesPerAlarm(settings: Readonly<Record<string, ParameterValue>>): number {
  const text = String(settings["falseAlarms"]);
  const budget = parseFalseAlarmBudget(text);
  if (budget === undefined || !("perSamples" in budget)) {
    throw new InputError(`--set falseAlarms: expected a budget such as "1 per 1e5 samples", at least 100 samples an alarm, got "${text}"`);
  }
  return budget.perSamples / budget.alarms;
}

/**
 * The settings of a detector: its defaults, and what a person set as `key=value`.
 * Throws an InputError with every mistake.
 */
export function settingsOf(name: string, { settings }: DetectorChoice, sets: readonly string[]): Readonly<Record<string, ParameterValue>> {
  const found: Record<string, ParameterValue> = Object.fromEntries(Object.entries(settings).map(([key, { default: value }]) => [key, value]));
  const problems: string[] = [];
  for (const set of sets) {
    const equals = set.indexOf("=");
    const given = equals < 0 ? set : set.slice(0, equals);
    const key = given === "lambda_" ? "lambda" : given; // as Python has to write it
    const setting = Object.hasOwn(settings, key) ? settings[key] : undefined;
    const value = setting === undefined || equals < 0 ? undefined : parsed(setting, set.slice(equals + 1));
    if (setting === undefined) problems.push(`--set ${set}: ${name} has no "${given}"; it has ${listed(settings)}`);
    else if (value === undefined) problems.push(`--set ${set}: ${given} must be ${setting.kind === "text" ? "a text" : rangeOf(setting)}`);
    else found[key] = value;
  }
  if (problems.length > 0) throw new InputError(...problems);
  return found;
}

/** Whether a number lies within its range is left to the detector's factory, which says so better. */
function parsed(setting: Setting, text: string): ParameterValue | undefined {
  if (setting.kind === "text" || text === setting.default || setting.choices?.includes(text)) {
    return setting.kind === "number" || setting.kind === "integer" ? (finiteNumber(text) ?? text) : text;
  }
  if (setting.kind === "boolean") return text === "true" ? true : text === "false" ? false : undefined;
  return setting.kind === "choice" ? undefined : finiteNumber(text);
}

function listed(settings: Readonly<Record<string, Setting>>): string {
  return Object.entries(settings)
    .map(([key, { default: value }]) => `${key}=${String(value)}`)
    .join(", ");
}
