/**
 * Cramer's V, bias-corrected: how strongly the category depends on the sample, from 0 (not at all) to 1 (wholly). The size
 * of the effect that the chi-square test finds, whatever the number of rows.
 *
 * Uncorrected, V is well above 0 for many categories and few rows though nothing has changed.
 * Source: W. Bergsma, A bias-correction for Cramer's V and Tschuprow's T (2013).
 */
import { chiSquareTest } from "./chi-square-test.ts";
import { contingencyTable, type Counts } from "./contingency-table.ts";

/** 0 for a single row or column of counts. @throws RangeError for a ragged table and bad counts. */
export function cramersV(counts: Counts): number {
  const { rowTotals, columnTotals, total } = contingencyTable("cramersV", counts);
  const [r, c] = [rowTotals.length - 1, columnTotals.length - 1];
  if (!(total > 1 && r > 0 && c > 0)) return 0;
  const corrected = Math.max(0, chiSquareTest(counts).statistic / total - (r * c) / (total - 1));
  const most = Math.min(r - r ** 2 / (total - 1), c - c ** 2 / (total - 1));
  return most > 0 ? Math.min(1, Math.sqrt(corrected / most)) : 0;
}
