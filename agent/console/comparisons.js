/**
 * What the judge compares: the evidence as a bar towards what is harm, and by how much the candidate is worse as an interval on
 * an axis, with marks where it would matter. All of it stands beside in figures.
 */
import { html } from "./html.js";
import { number } from "./words.js";

/** @typedef {import("./shapes.js").Comparison} Comparison */

const signs = { harm: { sign: "✕", word: "harm", tone: "bad" }, "not-worse": { sign: "✓", word: "not worse", tone: "good" }, continue: { sign: "○", word: "go on", tone: "none" } };

/** @param {{ comparisons: Comparison[] }} props */
export function Comparisons({ comparisons }) {
  return html`<div role="table" aria-label="Comparisons of the candidate with the primary">
    <div role="row" class="comparison comparison-head"><span role="columnheader">comparison</span><span role="columnheader">evidence of harm</span><span role="columnheader">worse by</span><span role="columnheader">events</span></div>
    ${comparisons.map((one) => html`<${One} key=${one.name} comparison=${one} />`)}
  </div>
  ${comparisons.length > 0 && html`<p class="note comparison-key"><span class="key-mark mark-margin" aria-hidden="true"></span> margin: not worse lies left of it <span class="key-mark mark-harm" aria-hidden="true"></span> the least that is harm <span class="key-mark mark-same" aria-hidden="true"></span> no difference</p>`}`;
}

/** @param {{ comparison: Comparison }} props */
function One({ comparison }) {
  const { name, verdict, log10_evidence: evidence, threshold, events, effective } = comparison;
  const { sign, word, tone } = signs[verdict];
  return html`<div role="row" class=${`comparison comparison-${tone}`}>
    <span role="cell" class="comparison-name"><strong>${name.replaceAll("_", " ")}</strong> <span class=${`tag ${tone}`}>${sign} ${word}</span></span>
    <span role="cell" class="evidence"><span class="bar" aria-hidden="true"><span style=${{ width: `${Math.max(0, Math.min(1, evidence / (1.25 * threshold))) * 100}%` }}></span><i style=${{ left: "80%" }}></i></span><span class="figure">${number(evidence, 2).replace("-", "−")} of ${number(threshold, 2)}</span></span>
    <span role="cell" class="effect"><${Axis} comparison=${comparison} /><span class="effect-words">${inWords(comparison)}</span></span>
    <span role="cell" class="events">${number(events, 3)}${effective === events ? "" : html` <span class="note">as ${number(effective, 3)}</span>`}</span>
  </div>`;
}

/** @param {{ comparison: Comparison }} props */
function Axis({ comparison: { effect, low, high, margin, minimum_harm: harm } }) {
  const known = [effect, low, high].filter((value) => value !== undefined);
  const from = Math.min(-0.25 * margin, ...known);
  const to = Math.max(1.25 * margin, 1.25 * harm, ...known);
  const pad = 0.06 * (to - from) || 1;
  const share = (/** @type {number} */ value) => (100 * (value - from + pad)) / (to - from + 2 * pad);
  const left = low === undefined ? 0 : share(low);
  const right = high === undefined ? 100 : share(high);
  return html`<span class="axis" aria-hidden="true">
    <i class="mark-same" style=${{ left: `${share(0)}%` }}></i><i class="mark-margin" style=${{ left: `${share(margin)}%` }}></i><i class="mark-harm" style=${{ left: `${share(harm)}%` }}></i>
    ${known.length > 0 && html`<span class="band-line" style=${{ left: `${left}%`, width: `${right - left}%` }}></span>`}
    ${effect !== undefined && html`<span class="effect-dot" style=${{ left: `${share(effect)}%` }}></span>`}
  </span>`;
}

/** @param {Comparison} comparison */
function inWords({ effect, low, high, unit }) {
  if (effect === undefined && low === undefined && high === undefined) return "not known yet";
  const shown = unitOf(unit);
  const range = low === undefined ? (high === undefined ? "" : `at most ${signed(high, unit)}`) : high === undefined ? `at least ${signed(low, unit)}` : `${signed(low, unit)} to ${signed(high, unit)}`;
  return html`${effect === undefined ? "" : html`<strong>${signed(effect, unit)}${shown}</strong> `}<span class="note">${range}${effect === undefined ? shown : ""}</span>`;
}

/** @param {Comparison["unit"]} unit */
function unitOf(unit) {
  return { ratio: " points", relative: " %", score: "", rank: "" }[unit];
}

/** Ratios and relative differences in hundredths. @param {number} value @param {Comparison["unit"]} unit */
function signed(value, unit) {
  const scaled = unit === "ratio" || unit === "relative" ? 100 * value : value;
  const rounded = Math.abs(scaled) >= 100 ? Math.round(scaled) : Number(scaled.toFixed(2));
  return `${rounded > 0 ? "+" : rounded < 0 ? "−" : ""}${Math.abs(rounded)}`;
}
