/**
 * What was so when, and what happened: the primary's state, higher the worse it is, who answered, and a mark for each signal. The
 * same in words stands in the log. It shares its time axis with the charts below.
 */
import { html } from "./html.js";
import { usePart } from "./live.js";
import { shownMs, spans } from "./series.js";
import { statuses, timeOfDay } from "./words.js";

/** Marks at the same place hide each other. */
const marksMax = 200;
const signs = /** @type {Record<string, string>} */ ({ transition: "◆", drift: "≈", directive: "▸", judge: "⚖", rollout: "◐", version: "⇄" });

export function TimeLine() {
  const recent = usePart("recent");
  const end = recent.times.at(-1) ?? 0;
  const spanMs = shownMs(recent);
  const at = (/** @type {number} */ ms) => Math.max(0, Math.min(1, 1 - (end - ms) / spanMs));
  const place = (/** @type {{ fromMs: number, toMs: number }} */ { fromMs, toMs }) => ({ left: `${100 * at(fromMs)}%`, width: `${Math.max(0.1, 100 * (at(toMs) - at(fromMs)))}%` });
  const states = spans(recent, "pilotfish.failover.state", "state").filter(({ toMs }) => at(toMs) > 0);
  const rungs = spans(recent, "pilotfish.failover.rung", "rung").filter(({ toMs }) => at(toMs) > 0);
  const marks = recent.events.filter(({ at: when }) => at(when) > 0).slice(-marksMax);
  const told = states.map(({ what, fromMs }) => `${statuses[what]?.word ?? what} from ${timeOfDay(fromMs)}`).join(", ");
  const minutes = spanMs === 900_000 ? [15, 10, 5, 0] : spanMs === 300_000 ? [5, 4, 3, 2, 1, 0] : [2, 1, 0];
  return html`<section id="time" aria-labelledby="time-title" class="panel wide">
    <header><h2 id="time-title">Time line</h2><span class="note">second by second, 15 minutes at most; a gap is a time without data</span></header>
    ${end === 0
      ? html`<p class="nothing">Nothing recorded yet.</p>`
      : html`<div class="lanes">
          <div class="lane"><span class="lane-name">primary</span><div class="track states" role="img" aria-label=${`The primary: ${told}`}>
            ${states.map((span) => html`<span key=${span.fromMs} class=${`span state-${statuses[span.what]?.tone ?? "none"} severity${statuses[span.what]?.severity ?? 1}`} style=${place(span)} title=${`${span.what}, ${timeOfDay(span.fromMs)} to ${timeOfDay(span.toMs)}`}><span class="span-word">${statuses[span.what]?.sign} ${statuses[span.what]?.word ?? span.what}</span></span>`)}
          </div></div>
          <div class="lane"><span class="lane-name">answers</span><div class="track rungs" role="img" aria-label=${`Who answered: ${rungs.map(({ what, fromMs }) => `${what} from ${timeOfDay(fromMs)}`).join(", ")}`}>
            ${rungs.map((span) => html`<span key=${span.fromMs} class=${`span rung-${span.what === "primary" ? "primary" : span.what === "none" ? "nobody" : "other"}`} style=${place(span)} title=${`${span.what}, ${timeOfDay(span.fromMs)} to ${timeOfDay(span.toMs)}`}><span class="span-word">${span.what}</span></span>`)}
          </div></div>
          <div class="lane"><span class="lane-name">signals</span><div class="track marks" role="img" aria-label=${`${marks.length} signals; the log below has them in words`}>
            ${marks.map((mark, index) => html`<span key=${index} class=${`mark mark-${mark.what}`} style=${{ left: `${100 * at(mark.at)}%` }} title=${`${timeOfDay(mark.at)} ${mark.text}`}>${signs[mark.what] ?? "•"}</span>`)}
          </div></div>
          <div class="lane ticks" aria-hidden="true"><span></span><div class="track">${minutes.map((ago) => html`<span style=${{ left: `${100 - (6_000_000 * ago) / spanMs}%` }}>${ago === 0 ? timeOfDay(end) : `−${ago} min`}</span>`)}</div></div>
        </div>`}
  </section>`;
}
