/**
 * Cells to bars that can be looked at. A reference's cells hold about equally many rows each, so their widths differ much: a number's
 * cells are spread over equal widths between the outermost hundredths. Categories come by weight. Pure.
 */

/** @typedef {import("./shapes.js").Histogram} Histogram */
/** Ratios of all rows. `apart`: not one of a number's own values. @typedef {{ name: string, reference: number, now: number, apart: boolean }} Bar */

const barsMax = 24;

/** @param {Histogram} histogram @returns {Bar[]} */
export function barsOf({ cells, reference_rows: referenceRows, window_rows: windowRows }) {
  const bars = cells.map(({ name, low, high, reference, now }) => ({ name, low, high, reference: reference / Math.max(1, referenceRows), now: now / Math.max(1, windowRows), apart: low === undefined }));
  const own = bars.filter(({ apart }) => !apart);
  if (own.length === 0) {
    const byWeight = bars.toSorted((a, b) => b.reference - a.reference || b.now - a.now).filter(({ reference, now }) => reference > 0 || now > 0);
    const shown = byWeight.slice(0, barsMax);
    const rest = byWeight.slice(barsMax);
    const sum = (/** @type {"reference" | "now"} */ of) => rest.reduce((total, bar) => total + bar[of], 0);
    return (rest.length === 0 ? shown : [...shown, { name: `${rest.length} more`, reference: sum("reference"), now: sum("now") }]).map((bar) => ({ ...bar, apart: false }));
  }
  const others = bars.filter(({ apart, reference, now }) => apart && (reference > 0 || now > 0));
  return [...(own.length <= barsMax ? own : evenly(own)), ...others].map(({ name, reference, now, apart }) => ({ name, reference, now, apart }));
}

/** @typedef {{ low?: number | undefined, high?: number | undefined, reference: number, now: number }} Own */
/** @param {readonly Own[]} cells */
function evenly(cells) {
  const edge = (/** @type {"reference" | "now"} */ of, /** @type {number} */ share) => {
    let below = 0;
    return cells.find((cell) => (below += cell[of]) >= share * cells.reduce((sum, one) => sum + one[of], 0));
  };
  const low = Math.min(edge("reference", 0.01)?.low ?? 0, edge("now", 0.01)?.low ?? Infinity);
  const high = Math.max(edge("reference", 0.99)?.high ?? 1, edge("now", 0.99)?.high ?? -Infinity);
  const width = (high - low) / barsMax || 1;
  const bars = Array.from({ length: barsMax }, (_, at) => ({ name: `${short(low + at * width)} to ${short(low + (at + 1) * width)}`, reference: 0, now: 0, apart: false }));
  for (const { low: from = 0, high: to = 0, reference, now } of cells) {
    const first = within((from - low) / width);
    const last = to <= from ? first : within((to - low) / width - 1e-9);
    for (let at = first; at <= last; at += 1) {
      // A cell gives each bar the part that lies in it; what lies outside of all goes to the outermost.
      const start = at === 0 ? -Infinity : low + at * width;
      const end = at === barsMax - 1 ? Infinity : low + (at + 1) * width;
      const part = to <= from ? 1 : (Math.min(to, end) - Math.max(from, start)) / (to - from);
      const bar = /** @type {Bar} */ (bars[at]);
      bar.reference += part * reference;
      bar.now += part * now;
    }
  }
  return bars;
}

/** @param {number} place */
function within(place) {
  return Math.max(0, Math.min(barsMax - 1, Math.floor(place)));
}

/** @param {number} value */
function short(value) {
  return String(Number(value.toPrecision(3)));
}
