/** A person's word on a rollout: start one, send it on, take it away; said once more before it is done, with a reason. */
import { useEffect, useRef, useState } from "preact/hooks";
import { ask, Refusal } from "./api.js";
import { html } from "./html.js";
import { live, put, refresh, usePart } from "./live.js";
import { say } from "./said.js";
import { percent } from "./words.js";

/** @typedef {"start" | "promote" | "abort"} Word */

/** @type {((word: Word) => void) | undefined} */
let open;

/** Opens the dialog, where things stand so. @param {Word} word */
export function decideRollout(word) {
  open?.(word);
}

const nothing = { url: "", version: "", onnx: "", mode: "", reason: "" };
/** @type {[keyof typeof nothing, string, string][]} */
const candidateFields = [["version", "Version", "2"], ["url", "URL", "the primary's own server"], ["onnx", "ONNX file on the sidecar's disk", "/models/candidate.onnx"]];
const modes = [["", "as configured"], ["canary", "a share of the traffic at once"], ["shadow", "copies alone"], ["shadow-then-canary", "copies, then a share of the traffic"]];

/** Why it can not be decided as things stand, or nothing. @param {Word} word @returns {string | undefined} */
function refusal(word) {
  const { rollout } = live;
  if (rollout === undefined) return "Whether a candidate is tried is not known.";
  const runs = rollout !== null && (rollout.phase === "trying" || rollout.phase === "asking");
  if (word === "start") return runs ? `A rollout of ${rollout.name} runs; abort it first.` : undefined;
  if (rollout === null) return "There is no rollout.";
  if (word === "promote") return runs ? undefined : `The rollout of ${rollout.name} is over.`;
  return rollout.phase === "aborted" ? `The rollout of ${rollout.name} is over.` : undefined;
}

/** What a promotion gives it. @param {import("./shapes.js").Rollout} rollout */
export function nextOf({ mode, step, steps }) {
  return mode !== "shadow" && step < steps.length ? percent(steps[step]?.weight) : "all of the traffic";
}

export function RolloutDialog() {
  const [word, setWord] = useState(/** @type {Word | undefined} */ (undefined));
  const [said, setSaid] = useState(nothing);
  const [trouble, setTrouble] = useState(/** @type {string[]} */ ([]));
  const [busy, setBusy] = useState(false);
  const dialog = useRef(/** @type {HTMLDialogElement | null} */ (null));
  const rollout = usePart("rollout");

  useEffect(() => {
    open = (asked) => {
      if (dialog.current?.open === true) return;
      const why = refusal(asked);
      if (why !== undefined) return say(why);
      setSaid(nothing);
      setTrouble([]);
      setWord(asked);
    };
  }, []);
  useEffect(() => {
    if (word !== undefined) dialog.current?.showModal();
  }, [word]);

  const name = rollout?.name ?? "";
  const next = rollout ? nextOf(rollout) : "";
  const { title, meaning, does, done } = {
    start: { title: "Start a rollout", meaning: "The candidate is tried beside the primary. Without a name it is the one that the config names.", does: "Start", done: "Started." },
    promote: { title: `Promote ${name}`, meaning: `It gets ${next}, whatever the judge says.`, does: `Promote to ${next}`, done: "Promoted." },
    abort: { title: rollout?.phase === "promoted" ? `Roll ${name} back` : `Abort the rollout of ${name}`, meaning: "The traffic is taken off the candidate at once.", does: rollout?.phase === "promoted" ? "Roll back" : "Abort", done: "The traffic is off the candidate." },
  }[word ?? "start"];

  /** @param {SubmitEvent} event */
  async function submit(event) {
    event.preventDefault();
    if (busy || word === undefined) return;
    const reason = said.reason.trim();
    if (reason === "") return setTrouble(["Say why: whoever is on call next reads it."]);
    const candidate = Object.fromEntries(candidateFields.map(([field]) => [field, said[field].trim()]).filter(([, value]) => value !== ""));
    const body = word === "start" ? { reason, ...(Object.keys(candidate).length > 0 && { candidate }), ...(said.mode !== "" && { mode: said.mode }) } : { reason };
    setBusy(true);
    try {
      const answer = await ask(word === "start" ? "/v1/rollout" : `/v1/rollout/${word}`, { method: "POST", body, timeoutMs: 30_000 });
      put("rollout", answer.rollout);
      dialog.current?.close();
      say(done);
      refresh("rollout", "versions", "state", "history", "recent");
    } catch (error) {
      setTrouble(error instanceof Refusal && error.mistakes.length > 0 ? [error.detail, ...error.mistakes] : [/** @type {Error} */ (error).message]);
    } finally {
      setBusy(false);
    }
  }

  const typed = (/** @type {keyof typeof nothing} */ field) => (/** @type {Event} */ event) => setSaid((before) => ({ ...before, [field]: /** @type {HTMLInputElement} */ (event.target).value }));
  return html`<dialog ref=${dialog} aria-labelledby="rollout-dialog-title" onClose=${() => setWord(undefined)}>
    ${word && html`<form onSubmit=${submit} novalidate>
      <h2 id="rollout-dialog-title">${title}</h2>
      <p class="note">${meaning}</p>
      ${word === "start" && html`
        ${candidateFields.map(([field, text, example], index) => html`<label key=${field}>${text}<input name=${field} value=${said[field]} placeholder=${example} maxlength="2000" autocomplete="off" spellcheck=${false} autofocus=${index === 0} onInput=${typed(field)} /></label>`)}
        <label>Tried on<select name="mode" value=${said.mode} onChange=${typed("mode")}>${modes.map(([value, text]) => html`<option key=${value} value=${value}>${text}</option>`)}</select></label>`}
      <label>Reason<input name="reason" value=${said.reason} maxlength="500" autocomplete="off" autofocus=${word !== "start"} required aria-describedby="rollout-trouble" onInput=${typed("reason")} /></label>
      <div id="rollout-trouble" class="trouble" role="alert">${trouble.length > 1 ? html`<p>${trouble[0]}</p><ul>${trouble.slice(1).map((one) => html`<li key=${one}>${one}</li>`)}</ul>` : trouble[0]}</div>
      <div class="actions"><button type="submit" class="strong" disabled=${busy}>${busy ? "Asking…" : does}</button><button type="button" onClick=${() => dialog.current?.close()}>Cancel</button></div>
    </form>`}
  </dialog>`;
}
