import { expect, test } from "vitest";
import { scoreColumns } from "../../agent/protocols/score-columns.ts";

test("a score is one column, or one for each class", () => {
  expect(scoreColumns(undefined)).toEqual({ columns: [], classes: undefined });
  expect(scoreColumns("probabilities_1")).toEqual({ columns: ["probabilities_1"], classes: undefined });
  expect(scoreColumns("cat=p_0,dog=p_1")).toEqual({ columns: ["p_0", "p_1"], classes: ["cat", "dog"] });
});

test("a name that is no list of pairs is a name", () => {
  for (const name of ["a,b", "=p", "a=", "a=p,b"]) expect(scoreColumns(name)).toEqual({ columns: [name], classes: undefined });
});
