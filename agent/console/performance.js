/** How well the model does: realised where true answers came, estimated without them, each with its band and how old it is. */
import { html } from "./html.js";
import { usePart } from "./live.js";
import { lasting, number, timeOfDay } from "./words.js";

/** @typedef {import("./shapes.js").Bounds} Bounds */

const kinds = /** @type {const} */ (["realised", "corrected", "estimated"]);
const signs = { realised: "●", corrected: "◆", estimated: "○" };

export function Performance() {
  const state = usePart("state");
  const nowMs = usePart("now");
  const figures = { realised: state?.performance ?? {}, estimated: state?.estimated ?? {}, corrected: state?.corrected ?? {} };
  const metrics = [...new Set(kinds.flatMap((kind) => Object.keys(figures[kind])))].sort();
  const lag = state?.actualsLagSeconds ?? null;
  return html`<section id="performance" class="panel" aria-labelledby="performance-title">
    <header><h2 id="performance-title">Performance</h2><span class="note">value and band</span></header>
    ${metrics.length === 0
      ? html`<p class="nothing">Nothing is known: no true answer has come for an inference, and the reference has no estimator.</p>`
      : html`<ul class="as-of">
          <li><span aria-hidden="true">${signs.realised}</span> realised: ${lag === null ? "no true answer yet" : `answers until ${timeOfDay(nowMs - 1_000 * lag, nowMs)}, ${lasting(1_000 * lag)} ago`}</li>
          <li><span aria-hidden="true">${signs.estimated}</span> estimated: without true answers, until ${timeOfDay(nowMs, nowMs)}</li>
          ${Object.keys(figures.corrected).length > 0 && html`<li><span aria-hidden="true">${signs.corrected}</span> corrected: the estimate, put right by the true answers there are</li>`}
        </ul>
        <ul class="metrics" tabindex="0" aria-label="Performance by metric">${metrics.map((metric) => html`<${Metric} key=${metric} name=${metric} figures=${figures} bounds=${state?.bounds} />`)}</ul>`}
  </section>`;
}

/** @param {{ name: string, figures: Record<typeof kinds[number], Record<string, number>>, bounds: Record<typeof kinds[number], Bounds> | undefined }} props */
function Metric({ name, figures, bounds }) {
  const known = kinds.flatMap((kind) => {
    const value = figures[kind][name];
    return value === undefined ? [] : [{ kind, value, lower: bounds?.[kind]?.[name]?.lower ?? value, upper: bounds?.[kind]?.[name]?.upper ?? value }];
  });
  const low = Math.min(...known.map(({ lower }) => lower));
  const high = Math.max(...known.map(({ upper }) => upper));
  const pad = Math.max(1e-9, (high - low) * 0.1 || Math.abs(high) * 0.05);
  const x = (/** @type {number} */ value) => `${(100 * (value - low + pad)) / (high - low + 2 * pad)}%`;
  return html`<li class="metric"><h3>${name.replaceAll("_", " ")}</h3>
    <ul>${known.map(({ kind, value, lower, upper }) => html`<li key=${kind} class=${`estimate ${kind}`}>
      <span class="kind"><span aria-hidden="true">${signs[kind]}</span> ${kind}</span>
      <span class="figure">${number(value, 4)}</span>
      <span class="band" aria-hidden="true"><span class="band-line" style=${{ left: x(lower), width: `calc(${x(upper)} - ${x(lower)})` }}></span><span class="band-dot" style=${{ left: x(value) }}>${signs[kind]}</span></span>
      <span class="note figure">${upper > lower ? `${number(lower, 3)} to ${number(upper, 3)}` : "no band"}</span>
    </li>`)}</ul></li>`;
}
