/** What is so: the primary's state and why, who answers, and what each rung of the ladder would cost. */
import { html } from "./html.js";
import { live, usePart } from "./live.js";
import { decide } from "./overrides.js";
import { latency, latest } from "./series.js";
import { lasting, percent, reasonInWords, seconds, statuses, timeOfDay } from "./words.js";

/** @typedef {import("./shapes.js").State} State */

export function Now() {
  const state = usePart("state");
  const link = usePart("link");
  const nowMs = usePart("now");
  if (state === undefined) return html`<section id="now" class="panel wide" aria-labelledby="now-title"><h2 id="now-title" class="visually-hidden">Now</h2><p class="nothing">No word from Pilotfish yet.</p></section>`;
  const isKnown = link === "live";
  const { sign, word, tone } = (isKnown ? statuses[state.status] : statuses["unknown"]) ?? { sign: "?", word: state.status, tone: "none" };
  const sinceMs = Date.parse(state.since ?? "");
  return html`<section id="now" class="panel now" aria-labelledby="now-title">
    <header><h2 id="now-title">Now</h2></header>
    <p class=${`verdict state-${tone}`} role="status"><span class="sign" aria-hidden="true">${sign}</span><span data-testid="status">${word}</span></p>
    ${!isKnown && html`<p class="was">last known: ${statuses[state.status]?.word.toLowerCase() ?? state.status}, at ${timeOfDay(live.heardAt)}</p>`}
    <p class="who">${isKnown ? "" : "then "}<strong data-testid="rung">${state.rung === "none" ? "nobody" : (state.rung ?? "nobody")}</strong> ${isKnown ? "answers" : "answered"}${state.rung !== "primary" && state.rung !== "none" ? " in the primary's place" : ""}${reasonInWords(state.reason) === "" ? "" : `: ${reasonInWords(state.reason)}`}</p>
    ${state.cause && html`<p class="cause"><span class="tag">${state.cause.detector}</span> ${state.cause.evidence}</p>`}
    ${Number.isFinite(sinceMs) && html`<p class="since">since <time datetime=${state.since}>${timeOfDay(sinceMs, nowMs)}</time>, for ${lasting(nowMs - sinceMs)}</p>`}
    ${state.override && html`<${InForce} override=${state.override} nowMs=${nowMs} />`}
    ${(state.drift ?? []).filter(({ detector }) => detector !== state.cause?.detector).map((drift) => html`<p key=${drift.stream} class="alarm"><span class="tag warn">≈ drift: ${drift.stream}</span> ${drift.message} <span class="note">since ${timeOfDay(drift.at, nowMs)}</span></p>`)}
    <ul class="checks" aria-label="Probes">${Object.entries(state.probes ?? {}).map(([name, { verdict, reason, detail }]) => html`<li key=${name} title=${detail ?? ""}><span aria-hidden="true">${isKnown ? (verdict === "pass" ? "✓" : verdict === "fail" ? "✕" : "?") : "?"}</span> ${name} <span class="note">${isKnown ? (verdict === "pass" ? "passes" : verdict === "fail" ? `fails: ${reason ?? ""}` : "unknown") : "unknown"}</span></li>`)}</ul>
    <div class="actions">
      <button type="button" onClick=${() => decide({ action: "pin" })}>Pin… <kbd>p</kbd></button>
      <button type="button" onClick=${() => decide({ action: "hold" })}>Hold… <kbd>h</kbd></button>
      <button type="button" onClick=${() => decide({ action: "drain" })}>Drain… <kbd>d</kbd></button>
      <button type="button" disabled=${!state.override} onClick=${() => decide({ action: "release" })}>Release… <kbd>r</kbd></button>
    </div>
  </section>`;
}

/** @param {{ override: import("./shapes.js").Override, nowMs: number }} props */
function InForce({ override: { action, rung, owner, reason, until }, nowMs }) {
  const what = action === "pin" ? `${rung} is pinned` : action === "hold" ? `the route is held at ${rung}` : "the primary is drained";
  return html`<p class="override" data-testid="override"><span class="tag held">‖ override</span> ${what} by ${owner}: “${reason}”, until ${timeOfDay(until, nowMs)} (${lasting(Date.parse(until) - nowMs)} left)</p>`;
}

const standings = /** @type {Record<string, { sign: string, word: string, tone: string }>} */ ({
  qualified: { sign: "✓", word: "eligible", tone: "good" },
  unproven: { sign: "○", word: "eligible, unproven", tone: "none" },
  ineligible: { sign: "✕", word: "not eligible", tone: "bad" },
});

export function Ladder() {
  const state = usePart("state");
  const recent = usePart("recent");
  const link = usePart("link");
  if (state === undefined) return undefined;
  const median = latest(latency(recent, "primary")[0]?.values ?? []);
  const primaryAccuracy = state.performance?.["accuracy"];
  const tone = link === "live" ? (statuses[state.status] ?? { sign: "?", word: state.status, tone: "none" }) : { sign: "?", word: "unknown", tone: "none" };
  return html`<section id="ladder" class="panel ladder" aria-labelledby="ladder-title">
    <header><h2 id="ladder-title">Ladder</h2><span class="note">who answers when the one above can not, and what that costs</span></header>
    <ol class="rungs-list">
      <${Step} name="primary" kind=${state.model?.version ? `version ${state.model.version}` : ""} active=${state.rung === "primary"} standing=${{ sign: tone.sign, word: tone.word.toLowerCase(), tone: tone.tone }} message=${state.server?.url ?? ""} accuracy=${primaryAccuracy} median=${median} coverage=${undefined} agreement=${undefined} />
      ${(state.ladder ?? []).map(({ name, kind, price }) => html`<${Step} key=${name} name=${name} kind=${kind} active=${state.rung === name} standing=${standings[price?.standing ?? "unproven"]} message=${price?.message ?? "No copy of a request has been answered yet, so what it costs is not known."} agreement=${price?.agreement} accuracy=${price?.accuracy} coverage=${price?.coverage} median=${price?.seconds.median} copies=${price?.copies} />`)}
    </ol>
    ${(state.ladder ?? []).length === 0 && html`<p class="nothing">There is no rung: when the primary can not answer, nobody does.</p>`}
  </section>`;
}

/** @param {{ name: string, kind: string, active: boolean, standing: { sign: string, word: string, tone: string }, message: string, agreement: number | null | undefined, accuracy: number | null | undefined, coverage: number | null | undefined, median: number | null | undefined, copies?: number | undefined }} props */
function Step({ name, kind, active, standing, message, agreement, accuracy, coverage, median, copies }) {
  return html`<li class=${active ? "step active" : "step"} aria-current=${active ? "true" : undefined}>
    <div class="step-name"><span class="step-mark" aria-hidden="true">${active ? "▶" : ""}</span><strong>${name}</strong> ${kind !== name && html`<span class="note">${kind}</span>`}${active && html`<span class="tag answering">answers</span>`}</div>
    <div class="step-standing"><span class=${`tag ${standing.tone}`}>${standing.sign} ${standing.word}</span></div>
    <dl>
      ${name !== "primary" && html`<${Figure} what="agreement" ratio=${agreement} />`}
      <${Figure} what="accuracy" ratio=${accuracy} />
      ${name !== "primary" && html`<${Figure} what="coverage" ratio=${coverage} />`}
      <div><dt>median</dt><dd>${seconds(median)}</dd></div>
    </dl>
    <p class="step-message">${message}${copies ? html` <span class="note">(${copies} copies)</span>` : ""}</p>
    <button type="button" class="small" onClick=${() => decide({ action: "pin", rung: name })} aria-label=${`Pin ${name}`}>Pin…</button>
  </li>`;
}

/** @param {{ what: string, ratio: number | null | undefined }} props */
function Figure({ what, ratio }) {
  const width = ratio === null || ratio === undefined ? 0 : Math.max(0, Math.min(1, ratio));
  return html`<div><dt>${what}</dt><dd>${percent(ratio)}<span class="bar" aria-hidden="true"><span style=${{ width: `${100 * width}%` }}></span></span></dd></div>`;
}
