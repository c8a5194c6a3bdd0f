/** A person's decision: what, why and for how long, said once more before it is done. */
import { useEffect, useRef, useState } from "preact/hooks";
import { ask } from "./api.js";
import { html } from "./html.js";
import { live, refresh, usePart } from "./live.js";
import { say } from "./said.js";

/** @typedef {{ action: "pin" | "hold" | "drain" | "release", rung?: string }} Decision */

/** @type {((decision: Decision) => void) | undefined} */
let open;

/** Opens the dialog. @param {Decision} decision */
export function decide(decision) {
  open?.(decision);
}

const titles = { pin: "Pin a backend", hold: "Hold the route", drain: "Drain the primary", release: "Release the override" };
const meanings = {
  pin: "This backend is asked before all others, whatever is seen. What it does not answer, the others do.",
  hold: "What answers now goes on answering, whatever is seen.",
  drain: "The primary gets no more inferences; subscribers are told to empty it.",
  release: "The circuit and the probes decide again, at once.",
};
const lasts = [["15m", "15 minutes"], ["1h", "1 hour"], ["4h", "4 hours"], ["24h", "24 hours, the most"]];

export function OverrideDialog() {
  const [decision, setDecision] = useState(/** @type {Decision | undefined} */ (undefined));
  const [trouble, setTrouble] = useState("");
  const [busy, setBusy] = useState(false);
  const dialog = useRef(/** @type {HTMLDialogElement | null} */ (null));
  const state = usePart("state");
  const names = ["primary", ...(state?.ladder ?? []).map(({ name }) => name)];
  const [rung, setRung] = useState("primary");
  const [reason, setReason] = useState("");
  const [ttl, setTtl] = useState("1h");

  useEffect(() => {
    open = (asked) => {
      if (dialog.current?.open === true) return;
      if (asked.action === "release" && !live.state?.override) return say("No override is in force.");
      setDecision(asked);
      setTrouble("");
      setReason("");
      setRung(asked.rung ?? live.state?.ladder?.[0]?.name ?? "primary");
    };
  }, []);
  useEffect(() => {
    if (decision !== undefined) dialog.current?.showModal();
  }, [decision]);

  const action = decision?.action ?? "pin";
  const word = action === "pin" ? `Pin ${rung}` : action === "hold" ? `Hold at ${state?.rung ?? ""}` : action === "drain" ? "Drain the primary" : "Release";

  /** @param {SubmitEvent} event */
  async function submit(event) {
    event.preventDefault();
    if (busy) return;
    if (reason.trim() === "") return setTrouble("Say why: whoever is on call next reads it.");
    setBusy(true);
    try {
      if (action === "release") {
        await ask(`/v1/overrides/current?reason=${encodeURIComponent(reason.trim())}`, { method: "DELETE" });
        say("Released.");
      } else {
        const { warnings } = await ask("/v1/overrides", { method: "POST", body: { action, reason: reason.trim(), ttl, ...(action === "pin" && { rung }) } });
        say([`${word}: in force.`, ...(warnings ?? [])].join(" "));
      }
      dialog.current?.close();
      refresh("state", "history", "recent");
    } catch (error) {
      setTrouble(/** @type {Error} */ (error).message);
    } finally {
      setBusy(false);
    }
  }

  return html`<dialog ref=${dialog} aria-labelledby="override-title" onClose=${() => setDecision(undefined)}>
    ${decision && html`<form onSubmit=${submit} novalidate>
      <h2 id="override-title">${titles[action]}</h2>
      <p class="note">${meanings[action]}</p>
      ${action === "pin" && html`<label>Backend<select name="rung" value=${rung} onChange=${(/** @type {Event} */ event) => setRung(/** @type {HTMLSelectElement} */ (event.target).value)}>${names.map((name) => html`<option key=${name} value=${name}>${name}</option>`)}</select></label>`}
      <label>Reason<input name="reason" value=${reason} maxlength="500" autocomplete="off" autofocus required aria-describedby="override-trouble" onInput=${(/** @type {Event} */ event) => setReason(/** @type {HTMLInputElement} */ (event.target).value)} /></label>
      ${action !== "release" && html`<label>It ends by itself after<select name="ttl" value=${ttl} onChange=${(/** @type {Event} */ event) => setTtl(/** @type {HTMLSelectElement} */ (event.target).value)}>${lasts.map(([value, text]) => html`<option key=${value} value=${value}>${text}</option>`)}</select></label>`}
      <p id="override-trouble" class="trouble" role="alert">${trouble}</p>
      <div class="actions"><button type="submit" class="strong" disabled=${busy}>${word}${action === "release" ? "" : ` for ${lasts.find(([value]) => value === ttl)?.[1]?.replace(", the most", "")}`}</button><button type="button" onClick=${() => dialog.current?.close()}>Cancel</button></div>
    </form>`}
  </dialog>`;
}
