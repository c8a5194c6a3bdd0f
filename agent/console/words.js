/** Numbers, times and states in words. */

/** Each state has a sign and a word beside its colour. @type {Record<string, { sign: string, word: string, tone: string, severity: number }>} */
export const statuses = {
  unknown: { sign: "?", word: "Unknown", tone: "none", severity: 2 },
  healthy: { sign: "✓", word: "Healthy", tone: "good", severity: 1 },
  suspect: { sign: "!", word: "Suspect", tone: "warn", severity: 3 },
  degraded: { sign: "≈", word: "Degraded", tone: "warn", severity: 3 },
  probation: { sign: "◐", word: "On probation", tone: "warn", severity: 3 },
  failed: { sign: "✕", word: "Failed", tone: "bad", severity: 4 },
  draining: { sign: "↓", word: "Draining", tone: "held", severity: 3 },
  isolated: { sign: "‖", word: "Isolated", tone: "held", severity: 3 },
};

/** @type {Record<string, string>} */
const reasons = {
  "circuit-open": "the primary is known to be failing",
  unready: "the primary's probes fail",
  stalled: "the primary makes no progress",
  drift: "its inputs have drifted, and the config says that this fails over",
  override: "a person decided so",
  trial: "one request tries the primary",
  "no-rung": "nobody could answer",
};

/** @param {string | undefined} reason */
export function reasonInWords(reason) {
  return reason === undefined || reason === "normal" ? "" : (reasons[reason] ?? reason.replaceAll("-", " "));
}

/** `3.2 %`, `98.41 %`. @param {number | null | undefined} ratio @param {number} [digits] */
export function percent(ratio, digits = 3) {
  if (ratio === null || ratio === undefined || !Number.isFinite(ratio)) return "–";
  if (ratio > 0 && ratio < 1e-4) return "<0.01 %";
  return `${trimmed((100 * ratio).toPrecision(digits))} %`;
}

/** At most so many digits, without exponents. @param {number | null | undefined} value @param {number} [digits] */
export function number(value, digits = 3) {
  if (value === null || value === undefined || !Number.isFinite(value)) return "–";
  if (Math.abs(value) >= 10 ** digits) return Math.round(value).toLocaleString("en").replaceAll(",", " ");
  if (value !== 0 && Math.abs(value) < 1e-4) return value.toExponential(1);
  return trimmed(value.toPrecision(digits));
}

/** @param {string} text */
function trimmed(text) {
  return text.includes("e") ? String(Math.round(Number(text))) : text.includes(".") ? text.replace(/\.?0+$/, "") : text;
}

/** `340 µs`, `12 ms`, `1.2 s`. @param {number | null | undefined} value */
export function seconds(value) {
  if (value === null || value === undefined || !Number.isFinite(value)) return "–";
  if (value < 1e-3) return `${number(value * 1e6, 3)} µs`;
  return value < 1 ? `${number(value * 1e3, 3)} ms` : `${number(value, 3)} s`;
}

/** @param {number | null | undefined} value */
export function bytes(value) {
  if (value === null || value === undefined || !Number.isFinite(value)) return "–";
  const power = Math.min(4, Math.floor(Math.log2(Math.max(1, value)) / 10));
  return `${number(value / 1024 ** power, 3)} ${["B", "KiB", "MiB", "GiB", "TiB"][power]}`;
}

/** `12 s`, `3 min 5 s`, `2 h 4 min`, `3 d 2 h`. @param {number} ms */
export function lasting(ms) {
  const whole = Math.max(0, Math.round(ms / 1000));
  const units = [["d", 86_400], ["h", 3_600], ["min", 60], ["s", 1]];
  const from = units.findIndex(([, size]) => whole >= Number(size));
  if (from < 0) return "0 s";
  let rest = whole;
  return units.slice(from, from + 2).flatMap(([unit, size]) => {
    const count = Math.floor(rest / Number(size));
    rest -= count * Number(size);
    return count === 0 ? [] : [`${count} ${unit}`];
  }).join(" ");
}

const clock = new Intl.DateTimeFormat("en-GB", { hour: "2-digit", minute: "2-digit", second: "2-digit" });
const day = new Intl.DateTimeFormat("en-GB", { day: "numeric", month: "short" });

/** `20:31:02`, with the day where it is not today's. @param {string | number} time @param {number} [nowMs] */
export function timeOfDay(time, nowMs = Date.now()) {
  const at = new Date(time);
  const isToday = at.toDateString() === new Date(nowMs).toDateString();
  return isToday ? clock.format(at) : `${day.format(at)} ${clock.format(at)}`;
}

/** One or several. @param {number} count @param {string} one @param {string} [several] */
export function counted(count, one, several = `${one}s`) {
  return `${number(count, 6)} ${count === 1 ? one : several}`;
}
