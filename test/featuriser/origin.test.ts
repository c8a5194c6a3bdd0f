/** What a reference remembers of the featuriser that made its columns. */
import { expect, test } from "vitest";
import { isDerived, withoutDerived } from "../../agent/featuriser/derived.ts";
import { buildReference, parseReference, type FeaturiserOrigin } from "../../detectors/reference/reference.ts";
import { dice } from "../monitors/traffic.ts";

const { normal } = dice(1);
const columns = ["a", "b", "featuriser.projection_0"].map((name) => ({ name, values: Array.from({ length: 400 }, normal) }));
const origin: FeaturiserOrigin = { digest: "0".repeat(64), kind: "embedding", columns: ["a"], outputs: 1, seed: 1 };
const reference = { ...buildReference({ model: "m", features: columns, derived: ["featuriser.projection_0"] }), featuriser: origin };

test("it survives a file, and every way it can be wrong is told with its path", () => {
  expect(parseReference(JSON.parse(JSON.stringify(reference)))).toEqual(reference);
  const wrong = { digest: "abc", kind: "oracle", columns: [], outputs: 0 };
  expect(() => parseReference({ ...reference, featuriser: wrong })).toThrow(/featuriser\.digest: expected 64 hexadecimal digits; featuriser\.kind: expected "autoencoder" or "embedding"; featuriser\.columns: expected the names of columns/);
  expect(() => parseReference({ ...reference, featuriser: { ...origin, outputs: 0, seed: "1" } })).toThrow(/featuriser\.outputs: expected a whole number above 0; featuriser\.seed: expected a whole number/);
  expect(() => parseReference({ ...reference, featuriser: 3 })).toThrow(/featuriser: expected an object/);
});

test("how whole rows look is told by the model's own columns, so a reference without the others is as if they had never been", () => {
  const own = withoutDerived(reference);
  expect(own.features.map(({ name }) => name)).toEqual(["a", "b"]);
  expect(own).toEqual(buildReference({ model: "m", features: columns.filter(({ name }) => !isDerived(name)) }));
  expect(parseReference(own)).toBe(own);
});
