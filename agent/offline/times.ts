/**
 * Times as people write them in data: ISO 8601 with or without a zone, `2026-03-01 12:30:00`, a date alone, or a count of
 * seconds, milliseconds, microseconds or nanoseconds since 1970, told apart by their size. Without a zone they are UTC.
 */
import type { Value } from "../../detectors/reference/reference.ts";

const pattern = /^\s*([+-]?\d{4,6})-(\d\d)-(\d\d)(?:[T ](\d\d):(\d\d)(?::(\d\d)(?:[.,](\d{1,9}))?)?\s*(Z|z|UTC|[+-]\d\d(?::?\d\d)?)?)?\s*$/;

/** For messages. */
export const timeExpected = 'a time such as "2026-03-01T12:30:00Z", "2026-03-01 12:30:00" or 1772368200';

/** Milliseconds since 1970-01-01 UTC; undefined where it is no time. */
export function parseTimeMs(value: Value): number | undefined {
  if (typeof value === "number") return sinceEpochMs(value);
  if (typeof value !== "string") return undefined;
  const match = pattern.exec(value);
  if (match === null) return value.trim() === "" ? undefined : sinceEpochMs(Number(value));
  const [, year, month, day, hour = "0", minute = "0", second = "0", fraction = "0", zone] = match;
  const at = Date.UTC(Number(year), Number(month) - 1, Number(day), Number(hour), Number(minute), Number(second));
  const date = new Date(at);
  // Date.UTC carries the 31st of February over into March.
  if (date.getUTCMonth() !== Number(month) - 1 || date.getUTCDate() < Number(day) || Number(minute) > 59 || Number(second) > 60 || Number(hour) > 24) return undefined;
  return at + Number(`0.${fraction}`) * 1_000 - zoneMs(zone);
}

function zoneMs(zone: string | undefined): number {
  if (zone === undefined || !/^[+-]/.test(zone)) return 0;
  const sign = zone.startsWith("-") ? -1 : 1;
  return sign * (Number(zone.slice(1, 3)) * 60 + Number(zone.replace(":", "").slice(3) || "0")) * 60_000;
}

/** Seconds reach beyond the year 5000, and what is counted in smaller units has passed 1973. */
function sinceEpochMs(count: number): number | undefined {
  const size = Math.abs(count);
  if (!(size < 1e20)) return undefined;
  if (size < 1e11) return count * 1_000;
  if (size < 1e14) return count;
  return size < 1e17 ? count / 1_000 : count / 1_000_000;
}

/** `2026-03-01T12:30:00.000Z` */
export function isoTime(atMs: number): string {
  return new Date(Math.round(atMs)).toISOString();
}
