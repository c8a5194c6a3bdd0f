/** Reference against now: the reference is an outline, now is filled, so that they differ in shape and not in colour alone. */
import { barsOf } from "./bars.js";
import { html } from "./html.js";
import { percent } from "./words.js";

/** @param {{ histogram: import("./shapes.js").Histogram, name: string, large?: boolean }} props */
export function Histogram({ histogram, name, large = false }) {
  const bars = barsOf(histogram);
  const top = Math.max(0.001, ...bars.flatMap(({ reference, now }) => [reference, now]));
  const width = large ? 720 : 150;
  const height = large ? 150 : 34;
  const step = width / Math.max(1, bars.length);
  const y = (/** @type {number} */ ratio) => height - (ratio / top) * (height - 2);
  const gap = large ? 2 : 1;
  const moved = bars.toSorted((a, b) => Math.abs(b.now - b.reference) - Math.abs(a.now - a.reference)).slice(0, 3);
  const words = moved.map((bar) => `${bar.name} from ${percent(bar.reference, 2)} to ${percent(bar.now, 2)}`).join(", ");
  return html`<div class=${large ? "histogram large" : "histogram"}>
    <svg viewBox=${`0 0 ${width} ${height}`} preserveAspectRatio="none" role="img" aria-label=${`${name}, reference against now; moved most: ${words}`}>
      ${bars.map((bar, at) => html`<g key=${at} class=${bar.apart ? "apart" : ""}>
        <rect class="now" x=${at * step + gap} y=${y(bar.now)} width=${Math.max(0.5, step - 2 * gap)} height=${height - y(bar.now)} />
        <path class="reference" d=${`M${at * step} ${height}V${y(bar.reference)}H${(at + 1) * step}V${height}`} />
        <title>${`${bar.name}: reference ${percent(bar.reference, 2)}, now ${percent(bar.now, 2)}`}</title>
      </g>`)}
    </svg>
    ${large && html`<div class="histogram-ends"><span>${bars[0]?.name}</span><span class="key"><span class="key-reference"></span> reference <span class="key-now"></span> now</span><span>${bars.at(-1)?.name}</span></div>
      <table class="cells"><caption class="visually-hidden">What moved most in ${name}</caption><thead><tr><th scope="col">value</th><th scope="col">reference</th><th scope="col">now</th></tr></thead>
      <tbody>${moved.map((bar) => html`<tr key=${bar.name}><th scope="row">${bar.name}</th><td>${percent(bar.reference)}</td><td>${percent(bar.now)}</td></tr>`)}</tbody></table>`}
  </div>`;
}
