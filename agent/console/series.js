/** From the recorded series to what the charts and the time line show. Pure. */

/** @typedef {import("./shapes.js").Recent} Recent */
/** @typedef {import("./shapes.js").Series} Series */
/** @typedef {{ label: string, values: (number | null)[] }} Line */
/** @typedef {{ what: string, fromMs: number, toMs: number }} Span */

/** @param {Recent} recent @param {string} name */
const named = (recent, name) => recent.series.filter((one) => one.name === name);

/** Added up by a key made of the labels; null where none of them was there. @param {readonly Series[]} series @param {(labels: Record<string, string>) => string} keyOf @param {number} count */
function summed(series, keyOf, count) {
  /** @type {Map<string, (number | null)[]>} */
  const sums = new Map();
  for (const { labels, values } of series) {
    const sum = sums.get(keyOf(labels)) ?? Array.from({ length: count }, () => null);
    sums.set(keyOf(labels), sum);
    for (const [at, value] of values.entries()) if (value !== null) sum[at] = (sum[at] ?? 0) + value;
  }
  return sums;
}

const linesMax = 6;

/** Requests a second by who answered and what became of them, the most first. @param {Recent} recent @returns {Line[]} */
export function traffic(recent) {
  const sums = summed(named(recent, "pilotfish.gateway.requests"), ({ rung, outcome }) => `${rung}, ${outcome}`, recent.times.length);
  return [...sums]
    .map(([label, values]) => ({ label, values, total: total(values) }))
    .filter((line) => line.total > 0)
    .sort((a, b) => b.total - a.total)
    .slice(0, linesMax);
}

/** Who answered, of those that there are latencies of. @param {Recent} recent */
export function answerers(recent) {
  return [...new Set(named(recent, "pilotfish.gateway.request.duration").map(({ labels }) => labels["rung"] ?? ""))];
}

/**
 * p50, p95 and p99 of good answers: of one backend, or each second of the one that answered most. Quantiles of several can not be
 * put together.
 * @param {Recent} recent @param {string} rung empty: whoever answered most @returns {Line[]}
 */
export function latency(recent, rung) {
  const durations = named(recent, "pilotfish.gateway.request.duration").filter(({ labels }) => labels["outcome"] === "ok");
  const rates = summed(named(recent, "pilotfish.gateway.requests").filter(({ labels }) => labels["outcome"] === "ok"), (labels) => labels["rung"] ?? "", recent.times.length);
  const rungs = [...new Set(durations.map(({ labels }) => labels["rung"] ?? ""))].filter((name) => rung === "" || name === rung);
  return [["0.5", "p50"], ["0.95", "p95"], ["0.99", "p99"]].map(([quantile, label]) => {
    const of = new Map(rungs.map((name) => [name, durations.find(({ labels }) => labels["rung"] === name && labels["quantile"] === quantile)?.values]));
    const values = recent.times.map((_, at) => {
      const there = rungs.filter((name) => (of.get(name)?.[at] ?? null) !== null);
      if (there.length === 0) return null;
      const busiest = there.reduce((most, name) => ((rates.get(name)?.[at] ?? 0) > (rates.get(most)?.[at] ?? 0) ? name : most));
      return of.get(busiest)?.[at] ?? null;
    });
    return { label: /** @type {string} */ (label), values };
  });
}

/** A line for each value of a label. @param {Recent} recent @param {string} name @param {string} label @returns {Line[]} */
export function linesOf(recent, name, label) {
  return named(recent, name).slice(0, linesMax).map(({ labels, values }) => ({ label: labels[label] ?? "", values }));
}

/**
 * Which of the levels was 1 when. Where none was, or there is no word for longer than three seconds, there is a gap.
 * @param {Recent} recent @param {string} name @param {string} label @returns {Span[]}
 */
export function spans(recent, name, label) {
  const levels = named(recent, name);
  /** @type {Span[]} */
  const found = [];
  for (const [at, time] of recent.times.entries()) {
    const what = levels.find(({ values }) => values[at] === 1)?.labels[label];
    const last = found.at(-1);
    if (what === undefined) continue;
    if (last?.what === what && time - last.toMs <= 3_000) last.toMs = time;
    else found.push({ what, fromMs: last !== undefined && time - last.toMs <= 3_000 ? last.toMs : time - 1_000, toMs: time });
  }
  return found;
}

/** How far back is shown: no further than there is something, in steps. @param {Recent} recent */
export function shownMs({ times }) {
  const known = (times.at(-1) ?? 0) - (times[0] ?? 0);
  return [120_000, 300_000].find((span) => known <= span) ?? 900_000;
}

/** @param {readonly (number | null)[]} values */
export function latest(values) {
  return values.findLast((value) => value !== null) ?? null;
}

/** @param {readonly (number | null)[]} values */
function total(values) {
  return values.reduce((/** @type {number} */ sum, value) => sum + (value ?? 0), 0);
}
