/** `pilotfish reference` and `pilotfish replay` with a model that makes features of whole rows. */
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { parseReference } from "../../detectors/reference/reference.ts";
import { call } from "../cli/call.ts";
import { dice } from "../monitors/traffic.ts";
import { makeFolder } from "../offline/folder.ts";
import { line, onnxFile, parity } from "./onnx-file.ts";

const { path, put } = makeFolder();
writeFileSync(join(path, "parity.onnx"), onnxFile(parity));
writeFileSync(join(path, "line.onnx"), onnxFile(line));

/** As in live traffic (watched.test.ts): from row `brokenFrom` on the sign of c says nothing of a and b. */
function csv(seed: number, count: number, brokenFrom = Infinity): string {
  const { normal, uniform } = dice(seed);
  const lines = Array.from({ length: count }, (_, row) => {
    const [a, b] = [normal(), normal()];
    const c = Math.abs(normal()) * Math.sign(a * b) * (uniform() < (row < brokenFrom ? 0.9 : 0.5) ? 1 : -1);
    return [a, b, c, Math.floor(normal() + 3)].join(",");
  });
  return `a,b,c,gear\n${lines.join("\n")}\n`;
}
put("before.csv", csv(1, 6_000));
put("after.csv", csv(2, 3_000, 2_000));
const made = await call(["reference", "before.csv", "--model", "m", "--featuriser", "parity.onnx", "-o", "r.json"], path);
await call(["reference", "before.csv", "-o", "plain.json"], path);
const known = () => parseReference(JSON.parse(readFileSync(join(path, "r.json"), "utf8")));
const alarmsOf = (out: string) => (JSON.parse(out) as { alarms: readonly { row: number; feature?: string }[] }).alarms;

test("the reference knows its columns, what made them, and how whole rows looked without them", () => {
  expect({ code: made.code, err: made.err }).toEqual({ code: 0, err: "" });
  expect(made.out).toMatch(/^featuriser\.reconstruction_err\S* +numeric/m);
  const reference = known();
  expect(reference.features.map(({ name }) => name)).toEqual(["a", "b", "c", "gear", "featuriser.reconstruction_error"]);
  expect(reference.featuriser).toEqual({ digest: expect.stringMatching(/^[0-9a-f]{64}$/) as string, kind: "autoencoder", columns: ["a", "b", "c"] });
  expect(reference.wholeRows?.mahalanobis.means).toHaveLength(4);
});

test("replay with the model finds what the columns do not show, and without it says what was not played", async () => {
  const { code, out, err } = await call(["replay", "after.csv", "--reference", "r.json", "--featuriser", "parity.onnx", "--json"], path);
  expect({ code, err }).toEqual({ code: 0, err: "" });
  expect(alarmsOf(out)[0]).toMatchObject({ feature: "featuriser.reconstruction_error" });
  expect(alarmsOf(out)[0]?.row).toBeGreaterThan(2_000);
  expect(alarmsOf(out)[0]?.row).toBeLessThan(2_200);

  const without = await call(["replay", "after.csv", "--reference", "r.json", "--json"], path);
  expect(without).toMatchObject({ code: 0, err: "note: The reference has columns of a featuriser, which were not played; name its model with --featuriser.\n" });
  expect(alarmsOf(without.out)).toEqual([]);
});

test("columns that are ignored as features are read by the model all the same; an embedding is projected", async () => {
  expect(await call(["reference", "before.csv", "--ignore", "a,b,c", "--featuriser", "line.onnx", "--featuriser-kind", "embedding", "--featuriser-outputs", "3", "--featuriser-features", "a,c", "-o", "p.json"], path)).toMatchObject({ code: 0, err: "" });
  const reference = parseReference(JSON.parse(readFileSync(join(path, "p.json"), "utf8")));
  expect(reference.features.map(({ name }) => name)).toEqual(["gear", "featuriser.projection_0", "featuriser.projection_1", "featuriser.projection_2"]);
  expect(reference.featuriser).toMatchObject({ kind: "embedding", columns: ["a", "c"], outputs: 3, seed: 1 });
  expect(await call(["replay", "before.csv", "--reference", "p.json", "--featuriser", "line.onnx", "--json"], path)).toMatchObject({ code: 0, err: "" });
});

test.for<readonly [argv: readonly string[], says: string]>([
  [["reference", "before.csv", "-o", "x.json", "--featuriser", "nobody.onnx"], "nobody.onnx can not be used: there is no such file"],
  [["reference", "before.csv", "-o", "x.json", "--featuriser", "line.onnx"], "before.csv: rows 1 to 4096: the rows have none of the columns that the featuriser reads: x_0, x_1; they have "],
  [["reference", "before.csv", "-o", "x.json", "--featuriser", "line.onnx", "--featuriser-features", "a"], 'its input "x" [rows, 2] does not fit the 1 columns that features names'],
  [["reference", "before.csv", "-o", "x.json", "--featuriser-kind", "embedding"], "--featuriser-kind says more of a featuriser; name its model with --featuriser FILE"],
  [["reference", "before.csv", "-o", "x.json", "--featuriser", "line.onnx", "--featuriser-kind", "oracle"], '--featuriser-kind: expected autoencoder or embedding, got "oracle"'],
  [["reference", "before.csv", "-o", "x.json", "--featuriser", "line.onnx", "--featuriser-outputs", "0"], '--featuriser-outputs: expected a number from 1 to 100, got "0"'],
  [["replay", "after.csv", "--reference", "r.json", "--featuriser", "line.onnx"], "--featuriser line.onnx: the reference was made with another model file"],
  [["replay", "after.csv", "--reference", "plain.json", "--featuriser", "line.onnx"], "--featuriser line.onnx: the reference has none of its columns: make the reference anew"],
])("%j is refused with exit code 2 and a word on why", async ([argv, says]) => {
  const { code, err } = await call(argv, path);
  expect(err).toContain(says);
  expect(code).toBe(2);
});
