/**
 * Chi-square test of homogeneity: do the rows of a table, one a sample, hold the categories in the same proportions?
 *
 * Both samples count as samples. The reference's counts, scaled down, are not what the window "should" have been: a test
 * that takes them so alarms on 35 percent of unchanged windows of six categories and equal size, where it promises 5.
 * A category that is new is a cell like any other. The approximation asks for about five expected rows a cell.
 * Cost: O(cells). Source: K. Pearson (1900); F. Yates, Contingency tables involving small numbers (1934).
 */
import { chiSquareSurvival } from "../special/chi-square.ts";
import { contingencyTable, type Counts, type Pooling } from "./contingency-table.ts";
import type { TestResult } from "./test-result.ts";

export interface ChiSquareOptions extends Pooling {
  /** Yates' correction for continuity, for tables of two by two; it is conservative. Off by default. */
  readonly yates?: boolean;
}

/** A single row or column of counts can not differ: statistic 0, p 1. @throws RangeError for a ragged table and bad counts. */
export function chiSquareTest(counts: Counts, { yates = false, ...pooling }: ChiSquareOptions = {}): TestResult {
  const { rows, rowTotals, columnTotals, total } = contingencyTable("chiSquareTest", counts, pooling);
  const degrees = (rowTotals.length - 1) * (columnTotals.length - 1);
  if (total === 0 || degrees === 0) return { statistic: 0, p: 1 };
  let statistic = 0;
  for (const [i, row] of rows.entries()) {
    for (const [j, count] of row.entries()) {
      const expected = (rowTotals[i] as number) * ((columnTotals[j] as number) / total);
      const difference = Math.abs(count - expected);
      statistic += (difference - (yates && degrees === 1 ? Math.min(0.5, difference) : 0)) ** 2 / expected;
    }
  }
  return { statistic, p: chiSquareSurvival(statistic, degrees) };
}
