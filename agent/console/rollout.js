/** A candidate on trial: how far it has come, what the judge finds of it, what the world was told, and a person's word on it. */
import { Comparisons } from "./comparisons.js";
import { html } from "./html.js";
import { usePart } from "./live.js";
import { decideRollout, nextOf } from "./rollout-dialog.js";
import { lasting, number, percent, timeOfDay } from "./words.js";

/** @typedef {import("./shapes.js").Rollout} Rollout */

const phases = {
  trying: { sign: "◐", word: "Trying", tone: "none" },
  asking: { sign: "?", word: "A person decides", tone: "warn" },
  promoted: { sign: "✓", word: "Promoted", tone: "good" },
  aborted: { sign: "✕", word: "Aborted", tone: "bad" },
};

const verdicts = {
  harm: { sign: "✕", word: "harm", tone: "bad" },
  "not-worse": { sign: "✓", word: "not worse", tone: "good" },
  continue: { sign: "○", word: "go on", tone: "none" },
  inconclusive: { sign: "?", word: "inconclusive", tone: "warn" },
};

/** @type {Record<string, string>} */
const reasons = { started: "", step: "", harm: "the judge found harm", "not-worse": "the judge found it not worse", "time-box": "the time box was over without a verdict", kept: "a person keeps it in spite of harm", declined: "a person was asked, and it does not go on", person: "a person decided so", lost: "the candidate is not there any more", rollback: "what is seen went bad with its version" };

const modes = { canary: "on a share of the traffic", shadow: "on copies alone", "shadow-then-canary": "on copies first, then on a share of the traffic" };

/** @param {Rollout} rollout */
export function isOver({ phase }) {
  return phase === "promoted" || phase === "aborted";
}

export function Rollout() {
  const rollout = usePart("rollout");
  const trouble = usePart("trouble")["rollout"];
  const isAsked = rollout !== undefined;
  return html`<section id="rollout" class="panel" aria-labelledby="rollout-title">
    <header><h2 id="rollout-title">Rollout</h2>${rollout && html`<span class="note">${rollout.name}${rollout.primary_version === undefined ? "" : ` beside version ${rollout.primary_version}`}, ${modes[rollout.mode]}; started by ${rollout.started_by} at ${timeOfDay(rollout.started_at)}</span>`}</header>
    ${trouble !== undefined && html`<p class="trouble">Not up to date: ${trouble}</p>`}
    ${!isAsked && html`<p class="nothing">${trouble === undefined ? "Asking…" : "Whether a candidate is tried is not known."}</p>`}
    ${rollout === null && html`<${Empty} />`}
    ${rollout && html`<${Course} rollout=${rollout} />`}
    <${Versions} />
  </section>`;
}

function Empty() {
  return html`<div class="rollout-empty">
    <p>No candidate has been tried. A rollout gives one a share of the traffic, or copies alone; each request counts for or against it, and it is taken away by itself where it is worse.</p>
    <div class="actions"><${StartButton} strong /></div>
  </div>`;
}

/** @param {{ strong?: boolean }} props */
function StartButton({ strong = false }) {
  return html`<button type="button" class=${strong ? "strong" : ""} onClick=${() => decideRollout("start")}>Start… <kbd>s</kbd></button>`;
}

/** @param {{ rollout: Rollout }} props */
function Course({ rollout }) {
  const nowMs = usePart("now");
  const { phase, reason, message, reading, since } = rollout;
  const { sign, word, tone } = phases[phase];
  const over = isOver(rollout);
  const why = reasons[reason] ?? reason.replaceAll("-", " ");
  return html`<div class="rollout-grid">
    <div class="rollout-course">
      <p class=${`verdict state-${tone}`} role="status"><span class="sign" aria-hidden="true">${sign}</span><span data-testid="rollout-phase">${word}</span></p>
      <p>${message}</p>
      <p class="since">${why === "" ? "" : `${why}; `}since <time datetime=${since}>${timeOfDay(since, nowMs)}</time>, for ${lasting(nowMs - Date.parse(since))}</p>
      <${Steps} rollout=${rollout} />
      ${!over && html`<${Held} rollout=${rollout} nowMs=${nowMs} />`}
      <div class="actions">
        ${!over && html`<button type="button" class=${phase === "asking" && reason === "not-worse" ? "strong" : ""} onClick=${() => decideRollout("promote")}>Promote to ${nextOf(rollout)}… <kbd>m</kbd></button>`}
        ${phase !== "aborted" && html`<button type="button" class=${phase === "asking" && reason === "harm" ? "strong" : ""} onClick=${() => decideRollout("abort")}>${phase === "promoted" ? "Roll back…" : "Abort…"} <kbd>a</kbd></button>`}
        ${over && html`<${StartButton} />`}
      </div>
    </div>
    <div class="rollout-found">
      ${reading === undefined
        ? html`<p class="nothing">The judge has said nothing yet: no request of the candidate has been judged.</p>`
        : html`<p><span class=${`tag ${verdicts[reading.verdict].tone}`} data-testid="rollout-verdict">${verdicts[reading.verdict].sign} ${verdicts[reading.verdict].word}</span> ${reading.message.replace(/^(harm|not worse): /, "")}</p>
          <p class="note">${[`${number(reading.requests.candidate)} requests dealt to the candidate`, `${number(reading.requests.primary)} to the primary`, ...(reading.pairs > 0 ? [`${number(reading.pairs)} pairs`] : []), ...(reading.actuals > 0 ? [`${number(reading.actuals)} true answers`] : [])].join(", ")}</p>
          <${Comparisons} comparisons=${reading.comparisons} />`}
    </div>
    ${rollout.actuations.length > 0 && html`<${Actuations} rollout=${rollout} nowMs=${nowMs} />`}
  </div>`;
}

/** Each step a part of a bar, the copies before the first where there are some, all of the traffic behind the last. @param {{ rollout: Rollout }} props */
function Steps({ rollout: { mode, steps, step, phase, weight, shadow } }) {
  const last = steps.length + 1;
  const at = phase === "promoted" ? last : step;
  const shares = [...(mode === "canary" ? [] : [{ of: 0, text: `copies${shadow > 0 ? ` of ${percent(shadow)}` : ""}` }]), ...(mode === "shadow" ? [] : steps.map((one, index) => ({ of: index + 1, text: percent(one.weight) })).concat(steps.at(-1)?.weight === 1 ? [] : [{ of: last, text: "100 %" }]))];
  const isCut = phase === "aborted";
  return html`<div class="rollout-steps">
    <ol aria-label="Steps">${shares.map(({ of, text }) => {
      const state = of < at || (phase === "promoted" && of === at) ? "done" : of === at ? (isCut ? "cut" : "current") : "next";
      return html`<li key=${of} class=${state} aria-current=${state === "current" ? "step" : undefined}><span aria-hidden="true">${{ done: "✓", cut: "✕", current: "▶", next: "" }[state]}</span> ${text}<span class="visually-hidden">${{ done: ", passed", cut: ", aborted here", current: ", now", next: "" }[state]}</span></li>`;
    })}</ol>
    <p class="rollout-weight"><span class="bar" aria-hidden="true"><span style=${{ width: `${100 * weight}%` }}></span></span> ${percent(weight)} of the traffic goes to the candidate</p>
  </div>`;
}

/** What has passed of the step, against its hold and its time box. @param {{ rollout: Rollout, nowMs: number }} props */
function Held({ rollout: { steps, step, started_at: began, hold_until: hold, time_box_until: box }, nowMs }) {
  if (box === undefined && hold === undefined) return undefined;
  const boxMs = Date.parse(box ?? hold ?? "");
  const holdMs = Date.parse(hold ?? box ?? "");
  const spanMs = Math.max(1, step === 0 ? boxMs - Date.parse(began) : 1_000 * (steps[step - 1]?.time_box_seconds ?? 0));
  const at = (/** @type {number} */ ms) => `${100 * Math.max(0, Math.min(1, 1 - (boxMs - ms) / spanMs))}%`;
  const held = holdMs > nowMs ? `held for ${lasting(holdMs - nowMs)} more` : "held long enough";
  return html`<div class="rollout-held"><span class="bar" aria-hidden="true"><span style=${{ width: at(nowMs) }}></span><i style=${{ left: at(holdMs) }}></i></span>
    <p class="note">${held}; ${boxMs > nowMs ? `a person is asked in ${lasting(boxMs - nowMs)}` : "the time box is over"}</p></div>`;
}

const results = {
  done: { sign: "✓", word: "done", tone: "good" },
  unconfirmed: { sign: "?", word: "not confirmed", tone: "warn" },
  failed: { sign: "✕", word: "failed", tone: "bad" },
  skipped: { sign: "–", word: "skipped", tone: "none" },
  "under-way": { sign: "…", word: "under way", tone: "none" },
};

/** @param {{ rollout: Rollout, nowMs: number }} props */
function Actuations({ rollout: { actuations }, nowMs }) {
  return html`<div class="rollout-told"><h3>What the world was told</h3>
    <ol class="actuations" tabindex="0" aria-label="What the world was told, latest first">${actuations.toReversed().map(({ actuator, action, result, attempts, detail, at }, index) => html`<li key=${`${at} ${index}`}>
      <time datetime=${at}>${timeOfDay(at, nowMs)}</time>
      <span><span class=${`tag ${results[result].tone}`}>${results[result].sign} ${results[result].word}</span></span>
      <span class="log-text"><strong>${actuator}</strong> ${action}${attempts > 1 ? `, ${attempts} attempts` : ""}${detail === "" ? "" : `: ${detail}`}</span></li>`)}</ol></div>`;
}

function Versions() {
  const versions = usePart("versions");
  const nowMs = usePart("now");
  if (versions === undefined || (versions.current === null && versions.last_known_good === null)) return undefined;
  const { current, last_known_good: good, good_since: goodSince, dwell_seconds: dwell } = versions;
  return html`<dl class="versions">
    ${current && html`<div><dt>serves</dt><dd title=${current.digest ?? ""}>${versionName(current)} <span class="note">since ${timeOfDay(current.since, nowMs)}; ${goodSince === undefined ? "does not hold its objectives" : `holds its objectives for ${lasting(nowMs - Date.parse(goodSince))}`}</span></dd></div>`}
    <div><dt>last known good</dt><dd title=${good?.digest ?? ""}>${good === null ? "none" : versionName(good)} <span class="note">${good === null ? `one that holds its objectives for ${lasting(1_000 * dwell)}` : `until ${timeOfDay(good.held_until, nowMs)}`}</span></dd></div>
  </dl>`;
}

/** @param {import("./shapes.js").Version} version */
function versionName({ version, digest }) {
  return version !== undefined ? `version ${version}` : digest !== undefined ? digest.slice(0, 19) : "a version without a name";
}
