/**
 * A recording for people, pure: the minutes around the page as a table, what happened between its lines, and which levels left
 * their usual place before it.
 */
import type { RecordingDocument } from "./recording.ts";

const beforeMs = 120_000;
const afterMs = 60_000;
const stepMs = 10_000;
const movedMax = 8;

type Series = RecordingDocument["series"][number];

/** Lines without colour, at most about 60; the last one ends with a line feed. */
export function timeLine(recording: RecordingDocument): string {
  const atMs = Date.parse(recording.at);
  const seconds = recording.times.length;
  const head = [
    `${recording.page.name} at ${recording.at}: ${recording.page.summary}`,
    recording.page.description,
    `${seconds} seconds recorded by ${recording.instance} (Pilotfish ${recording.version}), recording ${recording.id}`,
  ];
  const moved = movedLevels(recording, atMs);
  return `${[...head, "", ...table(recording, atMs), ...(moved.length === 0 ? [] : ["", "Left their usual place in the minute before:", ...moved])].join("\n")}\n`;
}

function table(recording: RecordingDocument, atMs: number): string[] {
  const rows: { readonly atMs: number; readonly text: string }[] = [];
  for (let fromMs = atMs - beforeMs; fromMs < atMs + afterMs; fromMs += stepMs) {
    const cells = cellsOf(recording, fromMs, fromMs + stepMs);
    if (cells !== undefined) rows.push({ atMs: fromMs, text: `${offset(fromMs - atMs)}  ${cells.join("  ")}` });
  }
  for (const { at, what, text } of recording.events) {
    const eventMs = Date.parse(at);
    if (eventMs >= atMs - beforeMs && eventMs < atMs + afterMs) rows.push({ atMs: eventMs, text: `${offset(eventMs - atMs)}  > ${what}: ${text}` });
  }
  rows.push({ atMs, text: `${offset(0)}  ==== ${recording.page.name}` });
  const heading = `${"time".padStart(7)}  ${["p50", "p99", "ok/s", "failed/s"].map((name) => name.padStart(9)).join("  ")}  ${"state".padEnd(10)}  rung`;
  return [heading, ...rows.toSorted((a, b) => a.atMs - b.atMs).map(({ text }) => text.trimEnd())];
}

/** Undefined where nothing was recorded in that time. */
function cellsOf({ times, series }: RecordingDocument, fromMs: number, toMs: number): string[] | undefined {
  const places = times.flatMap((time, i) => (time >= fromMs && time < toMs ? [i] : []));
  if (places.length === 0) return undefined;
  const named = (name: string) => series.filter((one) => one.name === name);
  const worst = (quantile: string) => Math.max(...named("pilotfish.gateway.request.duration").filter(({ labels }) => labels["quantile"] === quantile).flatMap(({ values }) => numbersAt(values, places)));
  const rate = (ok: boolean) => sum(named("pilotfish.gateway.requests").filter(({ labels }) => (labels["outcome"] === "ok") === ok).map(({ values }) => mean(numbersAt(values, places))));
  const last = places.at(-1) as number;
  const current = (name: string, label: string) => named(name).find(({ values }) => values[last] === 1)?.labels[label] ?? "";
  return [
    ...[worst("0.5"), worst("0.99")].map((value) => (Number.isFinite(value) ? `${round(value * 1_000)} ms` : "-").padStart(9)),
    ...[rate(true), rate(false)].map((value) => String(round(value)).padStart(9)),
    current("pilotfish.failover.state", "state").padEnd(10),
    current("pilotfish.failover.rung", "rung"),
  ];
}

/** The last minute's most unusual value against the median of the time before it, in units of the usual distance from that median. */
function movedLevels({ times, series }: RecordingDocument, atMs: number): string[] {
  const usual = times.flatMap((time, i) => (time < atMs - 60_000 ? [i] : []));
  const late = times.flatMap((time, i) => (time >= atMs - 60_000 && time <= atMs ? [i] : []));
  if (usual.length < 60) return [];
  const scored = series.flatMap((one) => {
    const before = numbersAt(one.values, usual);
    const now = numbersAt(one.values, late);
    if (before.length < 30 || now.length === 0) return [];
    const middle = median(before);
    const spread = Math.max(median(before.map((value) => Math.abs(value - middle))), 0.02 * Math.abs(middle), 1e-9);
    const extreme = now.reduce((a, b) => (Math.abs(b - middle) > Math.abs(a - middle) ? b : a));
    return [{ one, middle, extreme, score: Math.abs(extreme - middle) / spread }];
  });
  const moved = scored.filter(({ score }) => score > 6).toSorted((a, b) => b.score - a.score).slice(0, movedMax);
  return moved.map(({ one, middle, extreme }) => `  ${titleOf(one)}: ${round(middle)} -> ${round(extreme)}${one.unit === "" || one.unit === "1" ? "" : ` ${one.unit}`}`);
}

function titleOf({ name, labels }: Series): string {
  const inside = Object.entries(labels).map(([label, value]) => `${label}=${value}`).join(", ");
  return inside === "" ? name : `${name} (${inside})`;
}

function numbersAt(values: readonly (number | null)[], places: readonly number[]): number[] {
  return places.flatMap((place) => {
    const value = values[place];
    return value === null || value === undefined ? [] : [value];
  });
}

/** Minutes and seconds to or from the page. */
function offset(ms: number): string {
  const seconds = Math.abs(Math.round(ms / 1_000));
  return `${ms < 0 ? "-" : "+"}${Math.floor(seconds / 60)}:${String(seconds % 60).padStart(2, "0")}`.padStart(7);
}

function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] as number;
}

function mean(values: readonly number[]): number {
  return values.length === 0 ? 0 : sum(values) / values.length;
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}

function round(value: number): number {
  return Number(value.toPrecision(3));
}
