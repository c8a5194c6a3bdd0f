/**
 * Real parts: census rows, the example's ONNX models, the monitors with its reference, actuals ten minutes late. Version 2 is
 * better than version 1 and scores differently; version 3 has a mistake; chunk 27 are people among whom the inputs drift.
 */
import { expect, test } from "vitest";
import { readRows } from "../../../examples/employment/rows.ts";
import { census } from "./census-traffic.ts";

const lagMs = 10 * 60_000;
const steady = await readRows("steady");
const chunk27 = (await readRows("drifted")).filter(({ id }) => Math.floor((id - 68_785) / 5_000) === 27);

test("version 3 after version 1, with actuals that come late: it is the version's, and rolled back to version 1", { timeout: 120_000 }, async () => {
  const story = await census(lagMs);
  await story.ask("1", steady.slice(0, 5_000));
  expect(story.streams()).toEqual([]);
  await story.ask("3", steady.slice(5_000, 8_000));

  expect(story.streams()).toEqual(expect.arrayContaining(["features", "error-rate"]));
  expect(story.versions.rollbacks).toMatchObject([{ from: { version: "3" }, to: "1", why: expect.stringMatching(/^(error-rate|mistakes) began with version 3/) }]);
});

test("version 2 scores differently and is no worse: that is told, and it stays", { timeout: 120_000 }, async () => {
  const story = await census(lagMs);
  await story.ask("1", steady.slice(0, 5_000));
  await story.ask("2", steady.slice(5_000, 8_000));

  expect(story.versions.found).toEqual(expect.arrayContaining([expect.objectContaining({ stream: "features", verdict: "version", rollback: { to: undefined, why: "its scores differ, and nothing shows that they are worse" } })]));
  expect(story.versions.rollbacks).toEqual([]);
});

test("version 1 goes on, and other people ask: nothing is any version's", { timeout: 120_000 }, async () => {
  const story = await census(lagMs);
  await story.ask("1", steady.slice(0, 3_000));
  await story.ask("1", chunk27.slice(0, 2_500));

  expect(story.streams()).toEqual(expect.arrayContaining(["features", "estimated-performance"]));
  expect(story.versions.found).toEqual([]);
});

test("other people ask from the first answer of version 2 on: their drift is not the version's", { timeout: 120_000 }, async () => {
  const story = await census(lagMs);
  await story.ask("1", steady.slice(0, 3_000));
  await story.ask("2", chunk27.slice(0, 2_500));

  expect(story.versions.announced.at(-1)).toMatchObject({ from: { version: "1" }, to: { version: "2" } });
  expect(story.versions.found.map(({ stream, verdict }) => `${stream} ${verdict}`)).toContain("features traffic");
  expect(story.versions.rollbacks).toEqual([]);
});
