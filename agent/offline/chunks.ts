/** Where one chunk of a replay ends and the next begins: after so many rows, or with a new day, week or month (UTC). */

export type Chunking = { readonly rows: number } | "day" | "week" | "month";

/** `5000`, `day`, `week` or `month`; undefined where it is neither. */
export function parseChunking(text: string): Chunking | undefined {
  if (text === "day" || text === "week" || text === "month") return text;
  const rows = Number(text);
  return Number.isSafeInteger(rows) && rows >= 1 ? { rows } : undefined;
}

const chunksAbout = 40;
const rowsMin = 1_000;

/** About forty chunks of a round number of rows, none below a thousand. */
export function chunkingFor(rows: number): Chunking {
  return { rows: Math.max(rowsMin, Number((rows / chunksAbout).toPrecision(1))) };
}

/** The number of the period that a row lies in; it never falls back for a row that comes late. */
export function periodOf(chunking: Chunking): (row: number, atMs: number | undefined) => number {
  if (typeof chunking === "object") return (row) => Math.floor(row / chunking.rows);
  let latest = -Infinity;
  return (_row, atMs) => {
    latest = Math.max(latest, calendar[chunking](atMs as number));
    return latest;
  };
}

const dayMs = 86_400_000;

const calendar = {
  day: (atMs: number) => Math.floor(atMs / dayMs),
  /** From Monday on; 1970 began on a Thursday. */
  week: (atMs: number) => Math.floor((atMs / dayMs + 3) / 7),
  month: (atMs: number) => {
    const date = new Date(atMs);
    return date.getUTCFullYear() * 12 + date.getUTCMonth();
  },
};
