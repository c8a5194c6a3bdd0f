/**
 * G test of homogeneity, the likelihood ratio's sister of the chi-square test: the same question, table and degrees of
 * freedom, its statistic twice the sum of count ln(count / expected). Cost: O(cells).
 * Source: S. Wilks, The large-sample distribution of the likelihood ratio for testing composite hypotheses (1938).
 */
import { chiSquareSurvival } from "../special/chi-square.ts";
import { contingencyTable, type Counts, type Pooling } from "./contingency-table.ts";
import type { TestResult } from "./test-result.ts";

/** A single row or column of counts can not differ: statistic 0, p 1. @throws RangeError for a ragged table and bad counts. */
export function gTest(counts: Counts, pooling: Pooling = {}): TestResult {
  const { rows, rowTotals, columnTotals, total } = contingencyTable("gTest", counts, pooling);
  const degrees = (rowTotals.length - 1) * (columnTotals.length - 1);
  if (total === 0 || degrees === 0) return { statistic: 0, p: 1 };
  let sum = 0;
  for (const [i, row] of rows.entries()) {
    for (const [j, count] of row.entries()) {
      if (count > 0) sum += count * Math.log((count / (rowTotals[i] as number)) * (total / (columnTotals[j] as number)));
    }
  }
  const statistic = Math.max(0, 2 * sum);
  return { statistic, p: chiSquareSurvival(statistic, degrees) };
}
