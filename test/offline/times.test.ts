/** Times in data, and the chunks that they are cut into. */
import { expect, test } from "vitest";
import { chunkingFor, parseChunking, periodOf } from "../../agent/offline/chunks.ts";
import { isoTime, parseTimeMs } from "../../agent/offline/times.ts";

test.for<readonly [written: string | number, meant: string]>([
  ["2026-03-01T12:30:00Z", "2026-03-01T12:30:00.000Z"],
  ["2026-03-01T12:30:00", "2026-03-01T12:30:00.000Z"],
  ["2026-03-01 12:30:00", "2026-03-01T12:30:00.000Z"],
  ["2026-03-01 12:30", "2026-03-01T12:30:00.000Z"],
  ["2026-03-01", "2026-03-01T00:00:00.000Z"],
  ["2026-03-01T12:30:00.123456+02:00", "2026-03-01T10:30:00.123Z"],
  ["2026-03-01 12:30:00-0530", "2026-03-01T18:00:00.000Z"],
  ["2026-03-01 12:30:00 UTC", "2026-03-01T12:30:00.000Z"],
  ["1772368200", "2026-03-01T12:30:00.000Z"],
  [1_772_368_200.25, "2026-03-01T12:30:00.250Z"],
  ["1772368200250", "2026-03-01T12:30:00.250Z"],
  ["1772368200250000", "2026-03-01T12:30:00.250Z"],
  ["1772368200250000000", "2026-03-01T12:30:00.250Z"],
  [0, "1970-01-01T00:00:00.000Z"],
])("%s is %s", ([written, meant]) => {
  expect(isoTime(parseTimeMs(written) as number)).toBe(meant);
});

test.for(["", "yesterday", "01/02/2026", "2026-02-30", "2026-13-01", "2026-03-01 12:61:00", null, true, NaN])("%s is no time", (written) => {
  expect(parseTimeMs(written)).toBeUndefined();
});

test("weeks begin on Monday, months and days at midnight UTC, and a late row does not go back", () => {
  const periods = (chunking: "day" | "week" | "month", ...times: readonly string[]) => {
    const period = periodOf(chunking);
    const found = times.map((time, row) => period(row, parseTimeMs(time)));
    return found.map((one) => one - (found[0] as number));
  };
  expect(periods("week", "2026-03-01T23:59:59Z", "2026-03-02", "2026-03-08", "2026-03-09")).toEqual([0, 1, 1, 2]);
  expect(periods("day", "2026-03-01T23:59:59Z", "2026-03-02", "2026-03-01", "2026-03-03")).toEqual([0, 1, 1, 2]);
  expect(periods("month", "2025-12-31", "2026-01-01", "2026-01-31", "2027-01-01")).toEqual([0, 1, 1, 13]);
});

test("about forty chunks of a round number of rows, never fewer than a thousand", () => {
  expect([1, 5_000, 100_000, 208_892, 1e8].map(chunkingFor)).toEqual([1_000, 1_000, 3_000, 5_000, 3_000_000].map((rows) => ({ rows })));
  expect(["5000", "day", "week", "month", "0", "-1", "1.5", "year", ""].map(parseChunking)).toEqual([{ rows: 5_000 }, "day", "week", "month", undefined, undefined, undefined, undefined, undefined]);
});
