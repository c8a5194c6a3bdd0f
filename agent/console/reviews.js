/** What waits for a person: decisions to be approved, and answers that the model was not sure of. */
import { useState } from "preact/hooks";
import { ask } from "./api.js";
import { html } from "./html.js";
import { refresh, usePart } from "./live.js";
import { say } from "./said.js";
import { lasting, timeOfDay } from "./words.js";

/** @typedef {import("./shapes.js").Review} Review */

/** What one answer of the API holds. */
const pageMax = 50;

export function Reviews() {
  const reviews = usePart("reviews");
  const trouble = usePart("trouble")["reviews"];
  const nowMs = usePart("now");
  return html`<section id="reviews" class="panel half" aria-labelledby="reviews-title">
    <header><h2 id="reviews-title">Reviews</h2><span class="note">${reviews === undefined || reviews.length === 0 ? "" : `${reviews.length}${reviews.length === pageMax ? " or more" : ""} open, the oldest first`}</span></header>
    ${trouble !== undefined && html`<p class="trouble">Not up to date: ${trouble}</p>`}
    ${reviews === undefined ? html`<p class="nothing">${trouble === undefined ? "Asking…" : "Whether something waits for a person is not known."}</p>` : reviews.length === 0 ? html`<p class="nothing">Nothing waits for a person.</p>` : html`<ul class="review-list">${reviews.map((review) => html`<${One} key=${review.id} review=${review} nowMs=${nowMs} />`)}</ul>`}
  </section>`;
}

/** @param {{ review: Review, nowMs: number }} props */
function One({ review, nowMs }) {
  const [reason, setReason] = useState("");
  const [actual, setActual] = useState("");
  const [trouble, setTrouble] = useState("");
  const { id, question, evidence, at, deadline, default: fallback, inference_id: inference, rows } = review;
  const isDecision = review.kind === "approval" || review.decision !== undefined;

  /** @param {Record<string, unknown>} answer */
  async function send(answer) {
    try {
      await ask(`/v1/reviews/${id}`, { method: "POST", body: { ...answer, ...(reason.trim() !== "" && { reason: reason.trim() }) } });
      say("Answered.");
      refresh("reviews", "state", "history");
    } catch (error) {
      setTrouble(/** @type {Error} */ (error).message);
    }
  }

  /** @param {SubmitEvent} event */
  function sendActual(event) {
    event.preventDefault();
    const values = actual.split(",").map((text) => valueOf(text.trim()));
    if (actual.trim() === "") return setTrouble("Say what came true.");
    void send(values.length === 1 ? { actual: values[0] } : { actuals: values });
  }

  const count = rows?.length ?? 1;
  return html`<li class="review">
    <p class="question">${question}</p>
    <p class="note">${evidence}${inference ? ` · inference ${inference}` : ""} · asked ${timeOfDay(at, nowMs)}${deadline ? ` · ${fallback === "do" ? "done" : "not done"} by itself in ${lasting(Date.parse(deadline) - nowMs)}` : ""}</p>
    ${isDecision
      ? html`<div class="actions"><input aria-label=${`Reason, for: ${question}`} placeholder="Reason (optional)" maxlength="500" value=${reason} onInput=${(/** @type {Event} */ event) => setReason(/** @type {HTMLInputElement} */ (event.target).value)} /><button type="button" class="strong" onClick=${() => send({ verdict: "do" })}>Do it</button><button type="button" onClick=${() => send({ verdict: "do-not" })}>Do not</button></div>`
      : html`<form class="actions" onSubmit=${sendActual}><input aria-label=${`What came true, for: ${question}`} placeholder=${count > 1 ? `${count} true answers, with commas between` : "The true answer"} value=${actual} onInput=${(/** @type {Event} */ event) => setActual(/** @type {HTMLInputElement} */ (event.target).value)} /><button type="submit" class="strong">Answer</button><button type="button" onClick=${() => send({ verdict: "skip" })}>Skip</button></form>`}
    <p class="trouble" role="alert">${trouble}</p>
  </li>`;
}

/** @param {string} text */
function valueOf(text) {
  if (text === "true" || text === "false") return text === "true";
  return text !== "" && Number.isFinite(Number(text)) ? Number(text) : text;
}
