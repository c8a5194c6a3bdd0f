/**
 * Population stability index (PSI): how far a window's histogram is from the reference's, for people to look at.
 *
 * The sum over cells of (q - p) ln(q / p), with p and q the reference's and the window's ratios. It has no fixed scale: with
 * nothing changed it is on average (K - 1)(1/n + 1/m) for K cells, n and m rows, so 64 cells and 500 rows give 0.13 and
 * the old rule "above 0.1 is drift" is wrong. Read it beside `psiThreshold`.
 *
 * Sources: B. Yurdakul, Statistical properties of population stability index (2018); arXiv 2307.11878.
 */
import { chiSquareQuantile } from "../special/chi-square.ts";
import { totals } from "./cells.ts";

/**
 * The index, 0 or more and always finite. Cells empty on both sides do not count; one that is empty on a single side is
 * taken to hold half a row there, which is what makes a category never seen before finite. 0 where a side has no rows.
 *
 * @throws RangeError where the counts have not the same cells, or one that is negative or not finite.
 */
export function psi(referenceCounts: ArrayLike<number>, windowCounts: ArrayLike<number>): number {
  const [n, m] = totals("psi", referenceCounts, windowCounts);
  if (n === 0 || m === 0) return 0;
  let index = 0;
  for (let cell = 0; cell < referenceCounts.length; cell += 1) {
    const a = referenceCounts[cell] as number;
    const b = windowCounts[cell] as number;
    if (a === 0 && b === 0) continue;
    const p = (a || 0.5) / n;
    const q = (b || 0.5) / m;
    index += (q - p) * Math.log(q / p);
  }
  return index;
}

/**
 * What the index of `n` reference rows and `m` rows of the window stays below with `probability` while nothing has changed:
 * PSI / (1/n + 1/m) has about a chi-square distribution with `cells` - 1 degrees of freedom. About right with five rows or
 * more expected per cell. `cells` are those that hold rows on either side. 0 for a single cell.
 */
export function psiThreshold(cells: number, n: number, m: number, probability: number): number {
  if (!(n > 0 && m > 0)) throw new RangeError(`psiThreshold: n and m must be above 0, got ${n} and ${m}`);
  return cells > 1 ? chiSquareQuantile(probability, cells - 1) * (1 / n + 1 / m) : 0;
}
