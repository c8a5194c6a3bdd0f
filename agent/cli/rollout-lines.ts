/** A rollout for a person: where it stands, what is left of its step, what the judge finds, and what the world was told. */
import type { RolloutDocument } from "../api/rollout-shown.ts";
import { harmless, type Colour, type Paint } from "./paint.ts";

type Reading = NonNullable<RolloutDocument["reading"]>;
type Comparison = Reading["comparisons"][number];

const phaseColours: Readonly<Record<RolloutDocument["phase"], Colour>> = { trying: "cyan", asking: "yellow", promoted: "green", aborted: "red" };
const verdictColours: Readonly<Record<Reading["verdict"], Colour>> = { harm: "red", "not-worse": "green", continue: "cyan", inconclusive: "yellow" };
const verdictWords: Readonly<Record<Reading["verdict"], string>> = { harm: "harm", "not-worse": "not worse", continue: "go on", inconclusive: "inconclusive" };
const barWidth = 20;

/** @param nowWallMs by the clock of who reads it. */
export function rolloutLines(rollout: RolloutDocument, nowWallMs: number, paint: Paint): readonly string[] {
  const { name, model, primary_version: before, phase, reason, message, started_by: who, started_at: began, reading, actuations } = rollout;
  const beside = before === undefined ? "" : ` beside version ${before}`;
  return [
    `${paint("bold", harmless(`${name}${beside} of ${model}`))}: ${paint(phaseColours[phase], phase)} (${reason}) since ${rollout.since}`,
    `  ${harmless(message)}`,
    `  weight    ${weightLine(rollout)}`,
    ...timeLines(rollout, nowWallMs),
    ...(reading === undefined ? ["  verdict   none yet"] : readingLines(reading, paint)),
    ...actuations.map(({ actuator, action, result, attempts, detail, at }) => {
      const told = `  ${at}  ${harmless(`${actuator} ${action}: ${result}${attempts > 1 ? ` after ${attempts} attempts` : ""}${detail === "" ? "" : `, ${detail}`}`)}`;
      return result === "failed" || result === "unconfirmed" ? paint("red", told) : told;
    }),
    paint("dim", harmless(`  ${rollout.mode}, started by ${who} at ${began}; id ${rollout.id}`)),
    ...(phase === "asking" ? [paint("yellow", "  a person decides: pilotfish rollout promote, or abort")] : []),
  ];
}

function weightLine({ weight, shadow, mode, step, steps, phase }: RolloutDocument): string {
  const full = Math.round(weight * barWidth);
  const at = step === 0 ? "copies alone" : `step ${step} of ${steps.length}`;
  const next = phase === "promoted" || phase === "aborted" ? "" : `; then ${percent((mode === "shadow" ? undefined : steps[step]?.weight) ?? 1)}`;
  return `[${"#".repeat(full)}${"-".repeat(barWidth - full)}] ${percent(weight)} of the traffic, ${at}${next}${shadow > 0 ? `; copies of ${percent(shadow)}` : ""}`;
}

function timeLines({ phase, hold_until: hold, time_box_until: box }: RolloutDocument, nowWallMs: number): readonly string[] {
  if (phase === "promoted" || phase === "aborted") return [];
  const left = (until: string): number => Date.parse(until) - nowWallMs;
  const held = hold === undefined ? [] : [left(hold) > 0 ? `held for ${lasting(left(hold))} more` : "held long enough"];
  const asked = box === undefined ? [] : [left(box) > 0 ? `a person is asked in ${lasting(left(box))}` : "the time box is over"];
  return held.length + asked.length === 0 ? [] : [`  step      ${[...held, ...asked].join("; ")}`];
}

function readingLines({ verdict, message, requests, pairs, actuals, comparisons }: Reading, paint: Paint): readonly string[] {
  const rows = comparisons.map((one) => [one.name, verdictWords[one.verdict], worse(one), interval(one), `${figure(one.log10_evidence)} of ${figure(one.threshold)}`, `${grouped(one.events)} (${grouped(one.effective)})`].map(harmless));
  const head = ["comparison", "verdict", "worse by", "between", "evidence", "events (effective)"];
  const widths = head.map((title, i) => Math.max(title.length, ...rows.map((row) => row[i]?.length ?? 0)));
  const line = (cells: readonly string[]): string => `  ${cells.map((cell, i) => (i === cells.length - 1 ? cell : cell.padEnd(widths[i] ?? 0))).join("  ")}`.trimEnd();
  return [
    `  verdict   ${paint(verdictColours[verdict], verdictWords[verdict])}${message === "" ? "" : `: ${harmless(message.replace(/^(harm|not worse): /, ""))}`}`,
    `  seen      ${grouped(requests.candidate)} dealt to the candidate, ${grouped(requests.primary)} to the primary; ${grouped(pairs)} pairs, ${grouped(actuals)} actuals`,
    ...(rows.length === 0 ? [] : [paint("dim", line(head))]),
    ...rows.map((row, i) => {
      const one = comparisons[i] as Comparison;
      return one.verdict === "continue" ? line(row) : paint(verdictColours[one.verdict], line(row));
    }),
  ];
}

function worse({ effect, unit }: Comparison): string {
  return effect === undefined ? "-" : signed(effect, unit);
}

function interval({ low, high, unit }: Comparison): string {
  if (low === undefined && high === undefined) return "not known yet";
  if (low === undefined) return `at most ${signed(high as number, unit)}`;
  return high === undefined ? `at least ${signed(low, unit)}` : `${signed(low, unit).replace(/ .*/, "")} to ${signed(high, unit)}`;
}

/** Differences of ratios are points of a hundred; relative ones percent of the primary's. */
function signed(value: number, unit: Comparison["unit"]): string {
  const scaled = unit === "ratio" || unit === "relative" ? 100 * value : value;
  const text = figure(scaled);
  return `${scaled > 0 && text !== "0" ? "+" : ""}${text}${unit === "ratio" ? " points" : unit === "relative" ? " %" : ""}`;
}

function figure(value: number): string {
  return String(Math.abs(value) >= 100 ? Math.round(value) : Number(value.toFixed(2)));
}

function percent(ratio: number): string {
  return `${Number((100 * ratio).toPrecision(3))} %`;
}

function grouped(count: number): string {
  return Math.round(count).toLocaleString("en");
}

/** `15 s`, `9 min 15 s`, `2 h 4 min`. */
function lasting(ms: number): string {
  const whole = Math.ceil(ms / 1_000);
  const [hours, minutes, seconds] = [Math.floor(whole / 3_600), Math.floor(whole / 60) % 60, whole % 60];
  if (hours > 0) return minutes === 0 ? `${hours} h` : `${hours} h ${minutes} min`;
  if (minutes > 0) return seconds === 0 ? `${minutes} min` : `${minutes} min ${seconds} s`;
  return `${seconds} s`;
}
