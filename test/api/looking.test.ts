/** What the console asks for besides the state: the last minutes, and the features with their histograms. */
import { expect, test } from "vitest";
import type { FeaturesQuestion, FeaturesView } from "../../agent/feature-view.ts";
import { monitors } from "../../agent/monitors/monitors.ts";
import { FlightRecorder } from "../../exporters/flight-recorder.ts";
import { instruments } from "../../exporters/instruments.ts";
import { optionsOf, people, referenceOf, sample } from "../monitors/traffic.ts";
import { ask, stage } from "./stage.ts";

const on = stage();

test("the last seconds come as columns; who has some gets only what is newer, and of other series nothing", async () => {
  const ring = new FlightRecorder({ seconds: 4 });
  for (let second = 1; second <= 6; second += 1) {
    const gone = second < 5 ? [{ name: instruments.gpuUtilization.name, labels: { gpu: "0" }, unit: "1", value: 0.5 }] : [];
    ring.sample(1_000 * second, [{ name: instruments.activeRequests.name, labels: {}, unit: "{request}", value: second / 3 }, { name: instruments.loopDelay.name, labels: {}, unit: "s", value: 1 }, ...gone]);
  }
  ring.event({ atWallMs: 5_500, what: "drift", text: "age moved" });
  const { port } = await on.open({}, { recorded: () => ring.recorded() });

  expect((await ask(port, "/v1/recent")).json).toMatchObject({
    times: [3_000, 4_000, 5_000, 6_000],
    series: [{ name: instruments.activeRequests.name, values: [1, 1.333333, 1.666667, 2] }, { name: instruments.gpuUtilization.name, values: [0.5, 0.5, null, null] }],
    events: [{ at: 5_500, what: "drift", text: "age moved" }],
    left_out: 0,
  });
  expect((await ask(port, "/v1/recent?since=5600")).json).toMatchObject({ times: [6_000], series: [{ values: [2] }], events: [] });
  expect((await ask(port, `/v1/recent?names=${instruments.loopDelay.name}`)).json).toMatchObject({ series: [{ name: instruments.loopDelay.name }] });
  expect((await ask(port, "/v1/recent?since=now")).status).toBe(400);
});

/** The monitors of a model whose people have aged, asked on this thread. */
function aged(): (question: FeaturesQuestion) => Promise<FeaturesView> {
  const watching = monitors(optionsOf(), { model: "people", reference: referenceOf(people(1, 5_000)) });
  people(2, 400, { age: 25 }).forEach((row, at) => watching.hear(sample(`a${at}`, [row]), at * 100, at * 100));
  return async (question) => watching.features(question);
}

test("what moved most comes first, and the counts of a histogram add up to the rows of either side", async () => {
  const { port } = await on.open({}, { features: aged() });
  const { status, json } = await ask(port, "/v1/features?histogram=age&histogram=colour");
  expect(status).toBe(200);
  const { features, threshold, window } = json as { features: { name: string; evidence: number; histogram?: { cells: { name: string; reference: number; now: number }[]; reference_rows: number; window_rows: number } }[]; threshold: number; window: number };
  expect(window).toBe(400);
  expect(threshold).toBeGreaterThan(0);
  expect(features[0]?.name).toBe("age");
  expect(features.map(({ evidence }) => evidence)).toEqual(features.map(({ evidence }) => evidence).toSorted((a, b) => b - a));
  for (const { name, histogram } of features) {
    if (name !== "age" && name !== "colour") {
      expect(histogram).toBeUndefined();
      continue;
    }
    const sum = (of: "reference" | "now") => histogram?.cells.reduce((total, cell) => total + cell[of], 0);
    expect([sum("reference"), sum("now")]).toEqual([histogram?.reference_rows, histogram?.window_rows]);
  }
  expect((await ask(port, "/v1/features/age")).json).toMatchObject({ name: "age", kind: "numeric", histogram: { window_rows: 400 } });
  expect((await ask(port, "/v1/features/height")).status).toBe(404);
  expect((await ask(port, `/v1/features?${"histogram=age&".repeat(33)}`)).status).toBe(400);
});

test("an analysis that does not answer is a 503 that says when to come back", async () => {
  const { port } = await on.open({}, { features: async () => undefined });
  const { status, headers } = await ask(port, "/v1/features");
  expect([status, headers["retry-after"]]).toEqual([503, "2"]);
});
