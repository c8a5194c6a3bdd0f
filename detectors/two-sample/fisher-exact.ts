/**
 * Fisher's exact test of a table of two by two, two-sided: the chance of a table at most as likely as this one, its margins
 * being what they are. For counts that are too small for the chi-square test. The statistic is the odds ratio ad / bc.
 * Cost: O(the smallest margin), which may be ten million. Source: R. Fisher, Statistical Methods for Research Workers (1934).
 */
import type { TestResult } from "./test-result.ts";
import type { Counts } from "./contingency-table.ts";

/** Tables whose chances differ by rounding alone are equally likely. */
const slack = 1 + 1e-7;
const tablesMax = 10_000_000;

/** An empty margin leaves one table only: statistic 1, p 1. @throws RangeError for another shape and for counts not whole. */
export function fisherExact(counts: Counts): TestResult {
  const cells = counts.flatMap((row) => Array.from(row));
  const [a, b, c, d] = cells as [number, number, number, number];
  if (counts.length !== 2 || counts.some((row) => row.length !== 2)) {
    throw new RangeError(`fisherExact: expected a table of two by two, got ${counts.length} rows and ${cells.length} counts`);
  }
  for (const count of cells) {
    if (!(Number.isSafeInteger(count) && count >= 0)) throw new RangeError(`fisherExact: expected whole counts, got ${count}`);
  }
  if (a + b === 0 || c + d === 0 || a + c === 0 || b + d === 0) return { statistic: 1, p: 1 };
  return { statistic: (a * d) / (b * c), p: Math.min(1, unlikely(a, b, c, d)) };
}

/** From the likeliest table outwards, each table's chance as a multiple of the likeliest one's. */
function unlikely(a: number, b: number, c: number, d: number): number {
  const [row, column, total] = [a + b, a + c, a + b + c + d];
  const least = Math.max(0, row + column - total);
  const greatest = Math.min(row, column);
  if (greatest - least >= tablesMax) throw new RangeError(`fisherExact: expected ${tablesMax} possible tables at most, got ${greatest - least + 1}`);
  const likeliest = Math.floor(((row + 1) * (column + 1)) / (total + 2));
  const chances = new Float64Array(greatest - least + 1);
  chances[likeliest - least] = 1;
  for (let k = likeliest; k < greatest; k += 1) {
    const step = ((row - k) / (k + 1)) * ((column - k) / (total - row - column + k + 1));
    chances[k + 1 - least] = (chances[k - least] as number) * step;
  }
  for (let k = likeliest; k > least; k -= 1) {
    const step = (k / (row - k + 1)) * ((total - row - column + k) / (column - k + 1));
    chances[k - 1 - least] = (chances[k - least] as number) * step;
  }
  const own = (chances[a - least] as number) * slack;
  let all = 0;
  let rare = 0;
  for (const chance of chances) {
    all += chance;
    if (chance <= own) rare += chance;
  }
  return rare / all;
}
