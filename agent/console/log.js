/** What happened, latest first: from the store where there is one, else from the recorder's memory of the last 15 minutes. */
import { html } from "./html.js";
import { usePart } from "./live.js";
import { timeOfDay } from "./words.js";

/** @typedef {{ key: string, at: number, kind: string, text: string }} Line */

const signs = /** @type {Record<string, string>} */ ({ transition: "◆", drift: "≈", override: "‖", directive: "▸", config: "⚙", reference: "▤", rollout: "◐", version: "⇄", note: "·" });

export function Log() {
  const history = usePart("history");
  const recent = usePart("recent");
  const state = usePart("state");
  const nowMs = usePart("now");
  /** @type {Line[]} */
  const lines = history === undefined ? recent.events.map(({ at, what, text }, index) => ({ key: `${index} ${at}`, at, kind: what, text })).reverse() : history.map(({ id, at, kind, detail }) => ({ key: String(id), at: Date.parse(at), kind, text: inWords(detail) }));
  return html`<section id="log" class="panel half" aria-labelledby="log-title">
    <header><h2 id="log-title">Log</h2><span class="note">${history === undefined ? "the last 15 minutes" : "what is kept"}</span></header>
    ${lines.length === 0 && html`<p class="nothing">Nothing has happened yet.</p>`}
    <ol class="log-list" tabindex="0" aria-label="What happened, latest first">${lines.slice(0, 200).map(({ key, at, kind, text }) => html`<li key=${key}><time datetime=${new Date(at).toISOString()}>${timeOfDay(at, nowMs)}</time><span class="log-kind"><span aria-hidden="true">${signs[kind] ?? "•"}</span> ${kind}</span><span class="log-text">${text}</span></li>`)}
    ${(state?.notes ?? []).toReversed().map((note, index) => html`<li key=${`note ${index}`}><span></span><span class="log-kind"><span aria-hidden="true">·</span> note</span><span class="log-text">${note}</span></li>`)}</ol>
  </section>`;
}

/** What is kept of an event, in a line: the sentence that it has, or its parts. @param {unknown} detail */
function inWords(detail) {
  if (typeof detail !== "object" || detail === null) return String(detail);
  const { from, to, rung, cause, message, action, owner, who, reason, why, text, ...rest } = /** @type {Record<string, any>} */ (detail);
  if (typeof from === "string" && typeof to === "string") return `${from} → ${to}, ${rung} answers; ${cause?.evidence ?? reason ?? ""}`;
  const said = [message, text, action, rung, owner ?? who, reason, why].filter((one) => typeof one === "string").join(" · ");
  return said === "" ? JSON.stringify(rest).slice(0, 400) : said;
}
