import { percent, type Rule } from "./cause.ts";
import { violationCount } from "./schema.ts";

/** More than a twentieth of all rows are missing beyond what the reference knows, and more than chance explains. */
const riseMin = 0.05;

export const nullBurst: Rule = (reference, { rows, missing }) => {
  const before = violationCount(reference, "missing") / reference.rows;
  const now = missing / rows;
  const spread = Math.sqrt((before * (1 - before)) / rows);
  if (missing < 3 || now - before <= Math.max(riseMin, 4 * spread)) return undefined;
  const message = missing === rows ? `every value is missing (${percent(before)} in the reference)` : `${percent(now)} of the values are missing (${percent(before)} in the reference)`;
  return { kind: "null-burst", feature: reference.name, ratio: now, message };
};
