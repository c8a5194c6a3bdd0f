import { expect, test } from "vitest";
import { rankBets, rankCell, rankEdges, rankOdds } from "../../../detectors/guarantee/rank-bets.ts";

test("each bet is fair: where every rank is equally likely, it returns on average what was put in", () => {
  for (let bet = 0; bet < rankBets; bet += 1) {
    let mean = 0;
    for (let cell = 0; cell < rankEdges.length - 1; cell += 1) {
      mean += (rankOdds[cell * rankBets + bet] as number) * ((rankEdges[cell + 1] as number) - (rankEdges[cell] as number));
    }
    expect(mean).toBeCloseTo(1, 12);
  }
});

test("no bet is ever lost whole", () => {
  for (const odds of rankOdds) expect(odds).toBeGreaterThanOrEqual(0.1);
});

test("a rank is looked up in the cell that it lies in", () => {
  for (const rank of [0, 0.0009, 0.001, 0.0077, 0.0079, 0.25, 0.5, 0.9921, 0.9923, 0.9989, 0.99905, 1 - 2 ** -32]) {
    const cell = rankCell(rank);
    expect(rank).toBeGreaterThanOrEqual(rankEdges[cell] as number);
    expect(rank).toBeLessThan(rankEdges[cell + 1] as number);
  }
});
