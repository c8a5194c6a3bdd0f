/**
 * In which columns of an answer the scores are: in one, or of a classifier with many classes in one for each, written
 * `cat=probabilities_0,dog=probabilities_1`.
 */
export interface ScoreColumns {
  /** In the order of `classes`, where there are such. */
  readonly columns: readonly string[];
  /** Undefined where there is one column. */
  readonly classes: readonly string[] | undefined;
}

/** A text that is no list of pairs is the name of one column. */
export function scoreColumns(score: string | undefined): ScoreColumns {
  if (score === undefined) return { columns: [], classes: undefined };
  const pairs = score.split(",").map((pair) => [pair.slice(0, Math.max(0, pair.indexOf("="))), pair.slice(pair.indexOf("=") + 1)] as const);
  const several = score.includes("=") && pairs.every(([name, column]) => name !== "" && column !== "");
  return several ? { columns: pairs.map(([, column]) => column), classes: pairs.map(([name]) => name) } : { columns: [score], classes: undefined };
}
