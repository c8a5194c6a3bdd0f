/**
 * The fleet's distances are Prometheus' arithmetic; here they are held to our own of detectors/distance, by promtool on counters
 * of two sidecars. Bins that are empty on one side, or on both, are where definitions differ.
 */
import { join } from "node:path";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { fleetJensenShannon, fleetPsi } from "../../dashboards/fleet.ts";
import { readOptions, rules } from "../../dashboards/mixin.ts";
import { jensenShannonDistance } from "../../detectors/distance/jensen-shannon.ts";
import { psi } from "../../detectors/distance/population-stability-index.ts";
import { tool, withFiles } from "./tool.ts";

const promtool = await tool("promtool");

/** Rows a minute per bin. */
interface Fleet {
  readonly reference: readonly number[];
  readonly one: readonly number[];
  readonly two: readonly number[];
}

const minutes = 60;

function testOf({ reference, one, two }: Fleet) {
  const total = reference.reduce((sum, rows) => sum + rows, 0);
  const name = (metric: string, bin: number, instance: string) => `${metric}{job="pilotfish", instance="${instance}", model="m", reference="r", feature="f", bin="${bin}"}`;
  const of = (instance: string, rows: readonly number[]) =>
    rows.flatMap((perMinute, bin) => [
      { series: name("pilotfish_drift_bin_rows_total", bin, instance), values: `0+${perMinute}x${minutes}` },
      { series: name("pilotfish_drift_bin_reference_ratio", bin, instance), values: `${(reference[bin] as number) / total}x${minutes}` },
    ]);
  const counts = one.map((rows, bin) => minutes * (rows + (two[bin] as number)));
  const all = counts.reduce((sum, rows) => sum + rows, 0);
  const ratios = reference.map((rows) => rows / total);
  // promtool compares to the last digit: how far they are apart is what is asked.
  const near = (record: string, value: number) => ({
    expr: `abs(${record} - ${value}) < bool 1e-9 * (1 + ${Math.abs(value)})`,
    eval_time: `${minutes}m`,
    exp_samples: [{ labels: '{job="pilotfish", model="m", reference="r", feature="f"}', value: 1 }],
  });
  return {
    interval: "1m",
    input_series: [...of("a", one), ...of("b", two)],
    promql_expr_test: [near(fleetPsi, psi(ratios.map((ratio) => ratio * all), counts)), near(fleetJensenShannon, jensenShannonDistance(ratios, counts))],
  };
}

async function verdict(tests: readonly object[]) {
  const { groups } = rules(readOptions({}));
  const fleet = groups.map((group) => ({ ...group, rules: group.rules.filter(({ record }) => String(record).includes("drift")) }));
  return withFiles({ "rules.yml": JSON.stringify({ groups: fleet }), "test.json": JSON.stringify({ rule_files: ["rules.yml"], evaluation_interval: "5m", tests }) }, (folder) => promtool("test", "rules", join(folder, "test.json")));
}

describe.skipIf(promtool.missing)("the fleet's drift", () => {
  test.each([
    ["nothing has changed", { reference: [10, 20, 30], one: [5, 10, 15], two: [10, 20, 30] }],
    ["two replicas that are far apart make a fleet in between", { reference: [50, 50], one: [90, 10], two: [30, 70] }],
    ["a bin that the reference never had", { reference: [50, 50, 0], one: [40, 40, 20], two: [50, 50, 0] }],
    ["a bin that nobody fills any more", { reference: [40, 40, 20], one: [50, 50, 0], two: [50, 50, 0] }],
    ["a bin that is empty on both sides", { reference: [40, 0, 60], one: [60, 0, 40], two: [60, 0, 40] }],
    ["no bin in common", { reference: [1, 0], one: [0, 7], two: [0, 9] }],
  ] as const)("%s", async (_, fleet) => {
    const { ok, output } = await verdict([testOf(fleet)]);
    expect(ok, output).toBe(true);
  });

  test("is the distances of the summed counts, whatever the counts", async () => {
    const rows = fc.array(fc.nat(50), { minLength: 14, maxLength: 14 });
    const some = (counts: readonly number[]) => counts.some((count) => count > 4);
    const fleets = fc.sample(fc.record({ reference: rows.filter(some), one: rows.filter(some), two: rows }), { numRuns: 20, seed: 7 });
    const { ok, output } = await verdict(fleets.map(testOf));
    expect(ok, output).toBe(true);
  });

  test("is not told of fewer than a hundred rows", async () => {
    const few = testOf({ reference: [50, 50], one: [0, 1], two: [0, 0] });
    const { output } = await verdict([{ ...few, promql_expr_test: few.promql_expr_test.map((one) => ({ ...one, exp_samples: [] })) }]);
    expect(output).toContain("SUCCESS");
  });
});
