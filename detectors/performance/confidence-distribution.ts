/**
 * How sure a classifier is of its answers: of each row the probability of the class it holds likeliest. A column of
 * numbers like any feature, so that its histogram, its drift measures and its alarms are those of one.
 */

/**
 * @param scores the probability of the positive class, or a column for each class.
 * @returns per row a number from 1/classes to 1; NaN where a score is missing or no probability.
 */
export function confidenceOf(scores: ArrayLike<number> | ReadonlyMap<string, ArrayLike<number>>): Float64Array {
  if (!(scores instanceof Map)) return Float64Array.from(scores as ArrayLike<number>, (score) => sure(Math.max(score, 1 - score)));
  const columns = [...(scores as ReadonlyMap<string, ArrayLike<number>>).values()];
  return Float64Array.from({ length: columns[0]?.length ?? 0 }, (_, row) => sure(Math.max(...columns.map((column) => column[row] ?? Number.NaN))));
}

function sure(likeliest: number): number {
  return likeliest >= 0 && likeliest <= 1 ? likeliest : Number.NaN;
}
