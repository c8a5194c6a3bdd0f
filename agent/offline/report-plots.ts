/**
 * The pictures of a report, as inline SVG. They stretch to the width there is (strokes and dots do not), so words and
 * numbers stand beside them in HTML and stay readable on a phone.
 */
import { escaped } from "./report-words.ts";

/** Of every picture, in its own units. */
const wide = 1_000;
const high = 100;

export interface Line {
  /** A class of the style. */
  readonly name: "estimated" | "realised" | "distance";
  readonly values: readonly (number | undefined)[];
  readonly bands?: readonly ({ readonly lower: number; readonly upper: number } | undefined)[] | undefined;
  readonly dots?: boolean | undefined;
}

export interface Plot {
  readonly lines: readonly Line[];
  /** Dashed, across. */
  readonly limits: readonly number[];
  /** Where the alarms are, 0 to 1 of the width. */
  readonly ticks?: readonly number[] | undefined;
  /** Shown where the pointer rests, one for each value. */
  readonly titles?: readonly string[] | undefined;
  /** The least range that is shown. */
  readonly floor?: number | undefined;
}

/** A plot with its scale on the left. */
export function plot(shown: Plot): string {
  const scale = scaleOf(shown);
  const y = (value: number) => round(high * (1 - (value - scale.low) / (scale.high - scale.low)));
  const labels = [scale.high, (scale.high + scale.low) / 2, scale.low].map((value, i) => `<span class="y" style="top:${i * 50}%">${figure(value, scale.high - scale.low)}</span>`);
  return `<div class="plot"><svg viewBox="0 0 ${wide} ${high}" preserveAspectRatio="none" role="img">${grid()}${drawn(shown, y)}</svg>${labels.join("")}</div>`;
}

/** A line alone, as small as a word. */
export function spark(values: readonly (number | undefined)[], limit: number | undefined): string {
  const shown: Plot = { lines: [{ name: "distance", values }], limits: limit === undefined ? [] : [limit], floor: 0 };
  const scale = scaleOf(shown);
  return `<svg viewBox="0 0 ${wide} ${high}" preserveAspectRatio="none" aria-hidden="true">${drawn(shown, (value) => round(high * (1 - (value - scale.low) / (scale.high - scale.low))))}</svg>`;
}

function scaleOf({ lines, limits, floor }: Plot): { readonly low: number; readonly high: number } {
  const values = lines.flatMap(({ values: own, bands }) => [...own, ...(bands ?? []).flatMap((band) => (band === undefined ? [] : [band.lower, band.upper]))]);
  const known = [...values.filter((value) => value !== undefined), ...limits, ...(floor === undefined ? [] : [floor])];
  const low = Math.min(...known);
  const top = Math.max(...known);
  const margin = (top - low || Math.abs(top) || 1) * 0.06;
  return { low: floor === low ? low : low - margin, high: top + margin };
}

function grid(): string {
  return [0, 50, 100].map((at) => `<path class="axis" d="M0 ${at}H${wide}"/>`).join("");
}

function drawn({ lines, limits, ticks = [], titles }: Plot, y: (value: number) => number): string {
  const count = Math.max(...lines.map(({ values }) => values.length));
  const x = (index: number) => round(((index + 0.5) * wide) / count);
  const bands = lines.map(({ name, bands: own }) => (own === undefined ? "" : runs(own).map((run) => `<path class="${name}-band" d="${bandPath(run, x, y)}"/>`).join("")));
  const across = limits.map((limit) => `<path class="limit" d="M0 ${y(limit)}H${wide}"/>`);
  const marks = ticks.length === 0 ? "" : `<path class="tick" d="${ticks.map((at) => `M${round(at * wide)} ${high}v-8`).join("")}"/>`;
  const curves = lines.map(({ name, values, dots }) => {
    const d = runs(values).map((run) => run.map(([index, value], i) => `${i === 0 ? "M" : "L"}${x(index)} ${y(value)}`).join("") + (run.length === 1 ? "h0" : "")).join("");
    const points = dots === true ? `<path class="dot ${name}" d="${runs(values).flat().map(([index, value]) => `M${x(index)} ${y(value)}h0`).join("")}"/>` : "";
    return `<path class="${name}" d="${d}"/>${points}`;
  });
  const hovers = (titles ?? []).map((title, index) => `<rect class="hover" x="${round((index * wide) / count)}" width="${round(wide / count)}" height="${high}"><title>${escaped(title)}</title></rect>`);
  return [...bands, ...across, ...curves, marks, ...hovers].join("");
}

type Indexed<Item> = readonly [index: number, item: Item];

/** The stretches without a gap. */
function runs<Item>(items: readonly (Item | undefined)[]): readonly (readonly Indexed<Item>[])[] {
  const found: Indexed<Item>[][] = [];
  for (const [index, item] of items.entries()) {
    if (item === undefined) continue;
    if (index === 0 || items[index - 1] === undefined) found.push([]);
    found.at(-1)?.push([index, item]);
  }
  return found;
}

function bandPath(run: readonly Indexed<{ readonly lower: number; readonly upper: number }>[], x: (index: number) => number, y: (value: number) => number): string {
  const upper = run.map(([index, band]) => `${x(index)} ${y(band.upper)}`);
  const lower = run.map(([index, band]) => `${x(index)} ${y(band.lower)}`).reverse();
  return `M${[...upper, ...lower].join("L")}Z`;
}

export interface Lane {
  readonly name: string;
  /** From and to, 0 to 1 of the width. */
  readonly spans: readonly (readonly [from: number, to: number])[];
  readonly alarms: readonly { readonly at: number; readonly title: string }[];
}

/** A line of time with what happened on it. */
export function lane({ name, spans, alarms }: Lane): string {
  const bars = spans.map(([from, to]) => `<rect class="span" x="${round(from * wide)}" y="20" width="${round(Math.max(2, (to - from) * wide))}" height="60"/>`);
  const dots = alarms.map(({ at, title }) => `<path class="alarm" d="M${round(at * wide)} 50h0"><title>${escaped(title)}</title></path>`);
  return `<div class="lane"><span title="${escaped(name)}">${escaped(name)}</span><svg viewBox="0 0 ${wide} ${high}" preserveAspectRatio="none"><path class="axis" d="M0 50H${wide}"/>${bars.join("")}${dots.join("")}</svg></div>`;
}

/** A window's shape over the reference's, both as ratios per cell, on a scale from 0 to `most`. */
export function shapes(reference: readonly number[], window: readonly number[] | undefined, most: number): string {
  const outline = window === undefined ? "" : `<path class="window" d="${steps(window, most)}"/>`;
  return `<svg viewBox="0 0 ${wide} ${high}" preserveAspectRatio="none" role="img"><path class="reference" d="${steps(reference, most)}V${high}H0Z"/>${outline}</svg>`;
}

function steps(ratios: readonly number[], most: number): string {
  const each = wide / ratios.length;
  return `M0 ${high}${ratios.map((ratio, cell) => `V${round(high * (1 - Math.min(1, ratio / most)))}H${round((cell + 1) * each)}`).join("")}V${high}`;
}

/** As many digits as the range of the axis needs. */
function figure(value: number, range: number): string {
  if (value !== 0 && (Math.abs(value) >= 1e5 || range < 1e-4)) return value.toExponential(1);
  return value.toFixed(Math.max(0, Math.min(4, 2 - Math.floor(Math.log10(range)))));
}

function round(value: number): number {
  return Math.round(value * 10) / 10;
}
