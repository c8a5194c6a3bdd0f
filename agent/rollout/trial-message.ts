/** What the judge finds, as a sentence for a person: what speaks for or against the candidate most. */
import type { ComparisonShown, TrialReading } from "../trial.ts";
import type { Compared } from "./trial-comparisons.ts";
import type { Found } from "./trial-evidence.ts";

type Read = Found["comparisons"][string];

export interface Sayable {
  readonly reading: Found;
  readonly comparisons: Readonly<Record<string, Compared>>;
  readonly requests: TrialReading["requests"];
  readonly pairs: number;
  readonly heard: (name: string) => number;
}

export function trialMessage({ reading, comparisons, requests, pairs, heard }: Sayable): string {
  const after = (name: string): string => (comparisons[name]?.of === "copies" ? `after ${pairs} pairs` : `after ${requests.candidate + requests.primary} requests`);
  const of = (name: string): Read => reading.comparisons[name] as Read;
  const names = Object.keys(comparisons).filter((name) => heard(name) > 0);

  if (reading.verdict === "harm") {
    const worst = most(reading.harmed, (name) => of(name).log10Evidence - of(name).threshold) as string;
    const others = reading.harmed.filter((name) => name !== worst);
    return `harm: ${stands(worst, of(worst), comparisons)}, evidence 10^${of(worst).log10Evidence.toFixed(1)} of 10^${of(worst).threshold.toFixed(1)} ${after(worst)}${others.length > 0 ? `; also ${others.map(inWords).join(", ")}` : ""}`;
  }
  if (names.length === 0) return "nothing was compared yet";
  if (reading.verdict === "not-worse") {
    const shown = names.filter((name) => comparisons[name]?.margin !== Infinity);
    const closest = most(shown, (name) => of(name).interval.upper / (comparisons[name] as Compared).margin);
    return closest === undefined ? "not worse" : `not worse: ${shown.map(inWords).join(", ")}; closest to its margin: ${stands(closest, of(closest), comparisons)}, at most ${size(of(closest).interval.upper, comparisons[closest])} ${after(closest)}`;
  }
  const open = names.filter((name) => of(name).verdict === "continue");
  const suspect = most(names.filter((name) => (of(name).effect ?? -1) >= (comparisons[name] as Compared).minimumHarm), (name) => of(name).log10Evidence - of(name).threshold);
  if (suspect !== undefined && of(suspect).log10Evidence > 1) return `${stands(suspect, of(suspect), comparisons)}, evidence 10^${of(suspect).log10Evidence.toFixed(1)} of 10^${of(suspect).threshold.toFixed(1)} ${after(suspect)}`;
  const widest = most(open, (name) => of(name).interval.upper / (comparisons[name] as Compared).margin);
  if (widest === undefined) return "what was compared is not worse, and other comparisons have no events yet";
  const { upper } = of(widest).interval;
  const bound = Number.isFinite(upper) ? `may still be up to ${size(upper, comparisons[widest])} worse` : "is not known well enough";
  return `nothing speaks against it; ${inWords(widest)} ${bound}, and less than ${size((comparisons[widest] as Compared).margin, comparisons[widest])} is asked ${after(widest)}`;
}

/** `errors of the candidate 48 % against 0.5 %` */
function stands(name: string, { effect, sides }: Read, comparisons: Sayable["comparisons"]): string {
  const compared = comparisons[name];
  if (sides !== undefined) {
    const side = (value: number): string => (compared?.unit === "ratio" ? percent(value) : `${short(value)} ms`);
    return `${inWords(name)} of the candidate ${side(sides.candidate)} against ${side(sides.primary)}`;
  }
  if (effect === undefined) return inWords(name);
  if (name === "shadow_disagreement") return `${inWords(name)} ${size(effect, compared)} above what is allowed`;
  if (compared?.unit === "rank") return `${inWords(name)} of the two sides differ by ${size(effect, compared)}`;
  if (compared?.unit === "score") return `${inWords(name)} lie ${size(effect, compared)} apart`;
  return `${inWords(name)} more often than of the primary in ${size(effect, compared)} of the pairs`;
}

/** `latency p99`, `errors of copies` */
function inWords(name: string): string {
  const bare = name.replace(/^shadow_/, "");
  const words = bare.replace(/^latency_p(\d+)(?:_(\d+))?$/, (_, whole: string, part?: string) => `latency p${whole}${part === undefined ? "" : `.${part}`}`).replace(/^accuracy$/, "wrong answers").replace(/^difference$/, "numbers");
  return bare === name ? words : `${words} of copies`;
}

function size(value: number, compared: Compared | undefined): string {
  const unit: ComparisonShown["unit"] = compared?.unit ?? "ratio";
  return unit === "score" || unit === "rank" ? `${short(value)}${unit === "rank" ? " in rank" : ""}` : percent(value);
}

function most(names: readonly string[], of: (name: string) => number): string | undefined {
  return names.reduce<string | undefined>((best, name) => (best === undefined || of(name) > of(best) ? name : best), undefined);
}

/** `61 %`, `0.4 %` */
function percent(ratio: number): string {
  const hundredths = 100 * ratio;
  return `${Math.abs(hundredths) >= 10 ? Math.round(hundredths) : Number(hundredths.toPrecision(2))} %`;
}

/** Three digits. */
function short(value: number): string {
  return String(Number(value.toPrecision(3)));
}
