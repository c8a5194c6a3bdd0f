import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { inputContract, type ContractParts, type Decision } from "../../agent/contract/contract.ts";
import { contractOptions } from "../../agent/contract/options.ts";
import { repairedValue } from "../../agent/contract/repair.ts";
import type { ModelDescription, Tensor, Value } from "../../agent/protocols/protocol.ts";
import { openInference } from "../../agent/protocols/open-inference.ts";
import { buildReference } from "../../detectors/reference/reference.ts";

/** Ages 20 to 60, incomes 1.5 to 99 with a gap now and then, three colours. */
const { features } = buildReference({
  model: "m",
  features: [
    { name: "age", values: Array.from({ length: 410 }, (_, i) => 20 + (i % 41)) },
    { name: "income", values: Array.from({ length: 410 }, (_, i) => (i % 41 === 40 ? null : 1.5 + 2.5 * (i % 41))) },
    { name: "colour", values: Array.from({ length: 410 }, (_, i) => (i % 10 < 5 ? "red" : i % 10 < 8 ? "green" : "blue")) },
  ],
});
const description: ModelDescription = {
  name: "m",
  versions: ["1"],
  inputs: [
    { name: "age", datatype: "INT64", shape: [-1, 1] },
    { name: "income", datatype: "FP32", shape: [-1, 1] },
    { name: "colour", datatype: "BYTES", shape: [-1, 1] },
  ],
  outputs: [],
};

type Rows = readonly (readonly [age: Value, income: Value, colour: Value])[];

function tensors(rows: Rows): Tensor[] {
  return description.inputs.map(({ name, datatype }, column) => ({ name, datatype, shape: [rows.length, 1], values: rows.map((row) => row[column] as Value) }));
}

function decide(inputs: readonly Tensor[], options: object = { validation: "reject" }, parts: Partial<ContractParts> = {}): Decision {
  return inputContract(contractOptions.parse(options), { features, description, ...parts }).decide(inputs);
}
const found = (inputs: readonly Tensor[], options?: object, parts?: Partial<ContractParts>) => decide(inputs, options, parts).found;
const told = (inputs: readonly Tensor[], parts?: Partial<ContractParts>) => found(inputs, undefined, parts).violations.map(({ kind, path }) => `${kind} at ${path}`);

const good: Rows = [[20, 1.5, "red"], [60, null, "green"], [33, 99, "blue"]];

test("a request like the reference passes, gaps and all; so does one a little outside of its range", () => {
  expect(decide(tensors(good))).toEqual({ do: "pass", found: { violations: [], counts: {}, count: 0, unchecked: 0 } });
  expect(found(tensors([[16, 108, "red"], [64, -8, "red"]])).count).toBe(0);
});

test("each wrong value is told with its path, its row, what came and what was expected", () => {
  const rows: Rows = [["forty", 5, "red"], [null, 5, "mauve"], [40, Infinity, null], [400, "7", "red"], [Number.NaN, Number.NaN, "red"]];
  const { violations, counts, count } = found(tensors(rows));
  expect(violations).toEqual([
    { path: "inputs[0].data[0]", kind: "type", feature: "age", row: 0, got: '"forty"', expected: "a number from 16 to 64" },
    { path: "inputs[0].data[1]", kind: "missing", feature: "age", row: 1, got: "null", expected: "a number from 16 to 64" },
    { path: "inputs[2].data[1]", kind: "category", feature: "colour", row: 1, got: '"mauve"', expected: 'one of "blue", "green", "red"' },
    { path: "inputs[1].data[2]", kind: "infinite", feature: "income", row: 2, got: "Infinity", expected: "a number from -8.25 to 108.75" },
    { path: "inputs[2].data[2]", kind: "missing", feature: "colour", row: 2, got: "null", expected: 'one of "blue", "green", "red"' },
    { path: "inputs[0].data[3]", kind: "range", feature: "age", row: 3, got: "400", expected: "a number from 16 to 64" },
    { path: "inputs[1].data[3]", kind: "type", feature: "income", row: 3, got: '"7"', expected: "a number from -8.25 to 108.75" },
    { path: "inputs[0].data[4]", kind: "nan", feature: "age", row: 4, got: "NaN", expected: "a number from 16 to 64" },
  ]);
  expect({ counts, count }).toEqual({ counts: { type: 2, missing: 2, category: 1, infinite: 1, range: 1, nan: 1 }, count: 8 });
});

test("a missing input, a wrong datatype, a wrong shape and tensors of different lengths are told once each", () => {
  const [age, income, colour] = tensors(good) as [Tensor, Tensor, Tensor];
  expect(told([age, colour])).toEqual(["feature at inputs"]);
  expect(told([{ ...age, datatype: "INT32" }, income, colour])).toEqual(["datatype at inputs[0].datatype"]);
  expect(told([{ ...age, shape: [3] }, income, colour])).toEqual(["shape at inputs[0].shape"]);
  expect(told([age, { ...income, shape: [2, 1], values: [5, 5] }, colour])).toEqual(["shape at inputs[1].shape"]);
  expect(told([])).toEqual(["feature at inputs", "feature at inputs", "feature at inputs"]);
});

test("a single matrix has its columns named by the reference, and paths into its flat data", () => {
  const matrix: Tensor = { name: "x", datatype: "FP32", shape: [2, 2], values: [30, 5, 30, 900] };
  const parts = { features: features.slice(0, 2), description: undefined };
  expect(told([matrix], parts)).toEqual(["range at inputs[0].data[3]"]);
  const rows = { root: "instances", tensor: () => "instances", value: (_input: number, index: number) => `instances[${index >> 1}][${index & 1}]` };
  const { found: inRows } = inputContract(contractOptions.parse({ validation: "reject" }), parts).decide([matrix], () => rows);
  expect(inRows.violations.map(({ kind, path }) => `${kind} at ${path}`)).toEqual(["range at instances[1][1]"]);
  expect(told([{ ...matrix, name: "income", shape: [4, 1] }], parts)).toEqual(["feature at inputs", "range at inputs[0].data[3]"]);
});

test("without metadata the reference alone is held against it, without a reference the metadata", () => {
  expect(told(tensors([[400, 5, "red"]]).map((tensor) => ({ ...tensor, datatype: "FP64" })), { description: undefined })).toEqual(["range at inputs[0].data[0]"]);
  expect(told(tensors([[400, 5, "red"]]), { features: [] })).toEqual([]);
});

test("twenty are told, all are counted, and beyond the bound values are not looked at but counted", () => {
  const many = tensors(Array.from({ length: 1_000 }, () => [-1_000, 5, "red"] as const));
  const all = found(many);
  expect([all.violations.length, all.count, all.unchecked]).toEqual([20, 1_000, 0]);
  const some = found(many, { validation: "observe", values: 300 });
  expect([some.count, some.unchecked]).toEqual([100, 2_700]);
});

describe("what is done about it", () => {
  const bad = tensors([[400, 5, "red"]]);

  test("off looks at nothing, observe lets it pass and counts, fallback leaves it to the rungs", () => {
    expect(decide(bad, {})).toEqual({ do: "pass", found: { violations: [], counts: {}, count: 0, unchecked: 0 } });
    expect(decide(bad, { validation: "observe" })).toMatchObject({ do: "pass", found: { count: 1 } });
    expect(decide(bad, { validation: "fallback" })).toMatchObject({ do: "fallback", found: { count: 1 } });
  });

  test("reject gives problem details for a 422", () => {
    expect(decide(bad)).toMatchObject({
      do: "reject",
      problem: {
        type: "about:blank",
        title: "Unprocessable Content",
        status: 422,
        detail: "The request breaks the model's input contract in 1 place. The first: inputs[0].data[0]: expected a number from 16 to 64, got 400.",
        violations: [{ path: "inputs[0].data[0]", kind: "range", feature: "age", row: 0, got: "400", expected: "a number from 16 to 64" }],
        count: 1,
      },
    });
  });

  test("repair imputes, clips and casts, says what it did, and leaves what was right as it was", () => {
    const rows: Rows = [["41", 5, "red"], [null, 1_000, "mauve"], [-3, "12.5", "blue"], [30, -Infinity, null]];
    const sent = tensors(rows);
    const before = structuredClone(sent);
    const decision = decide(sent, { validation: "repair" });
    expect(sent).toEqual(before);
    if (decision.do !== "repair") throw new Error(`expected a repair, got ${decision.do}`);
    expect(decision.inputs.map(({ values }) => values)).toEqual([[41, 40, 20, 30], [5, 99, 12.5, 1.5], ["red", "red", "blue", "red"]]);
    expect(decision.header.split(", ").sort()).toEqual(['"age";impute=1;clip=1;cast=1', '"colour";impute=2', '"income";clip=2;cast=1']);
  });

  test("repair fills in a tensor that was not sent, and writes numbers in the model's datatype", () => {
    const [age, , colour] = tensors(good) as [Tensor, Tensor, Tensor];
    const decision = decide([{ ...age, datatype: "FP64" }, colour], { validation: "repair" });
    expect(decision).toMatchObject({ do: "repair", header: '"age";cast=3, "income";impute=3' });
    if (decision.do !== "repair") return;
    expect(decision.inputs[0]?.datatype).toBe("INT64");
    expect(decision.inputs.at(-1)).toEqual({ name: "income", datatype: "FP32", shape: [3, 1], values: [49, 49, 49] });
  });

  test.each([
    ["a wrong shape", () => tensors(good).map((tensor, i) => (i === 0 ? { ...tensor, shape: [3] } : tensor)), "age has the shape [3]"],
    ["a column missing from a matrix", () => [{ name: "x", datatype: "FP32", shape: [1, 2], values: [1, 2] }], "is missing, and nothing is known to put in its place"],
    ["a datatype that can not hold the values", () => tensors([[20.5, 5, "red"]]).map((tensor) => ({ ...tensor, datatype: tensor.name === "age" ? "FP64" : tensor.datatype })), "age does not fit into INT64"],
    ["integers that would lose digits", () => [...tensors([[400, 5, "red"]]), { name: "id", datatype: "INT64", shape: [1, 1], values: [2 ** 53 + 2] }], "id holds integers beyond 2^53"],
  ])("repair rejects %s", (_name, inputs, why) => {
    const parts = why.startsWith("is missing") ? { features: [...features], description: undefined } : {};
    const decision = decide(inputs(), { validation: "repair" }, parts);
    expect(decision).toMatchObject({ do: "reject", problem: { status: 422, detail: expect.stringContaining(why) as string } });
  });
});

const anyValue = fc.oneof(fc.constantFrom<Value>(null, true, false, "", "red", "12", "12e400", Number.NaN, Infinity, -Infinity, -0, 2 ** 60), fc.double({ min: -1e3, max: 1e3, noNaN: true }), fc.string({ maxLength: 5 }));

test("whatever is sent: it never throws, repaired inputs pass the contract, and the protocol can write them", () => {
  fc.assert(
    fc.property(fc.array(fc.tuple(anyValue, anyValue, anyValue), { minLength: 1, maxLength: 8 }), (rows) => {
      const inputs = tensors(rows).map((tensor) => (tensor.name === "age" ? { ...tensor, datatype: "FP64" } : tensor));
      const parts = { description: { ...description, inputs: description.inputs.map((input) => (input.name === "age" ? { ...input, datatype: "FP64" } : input)) } };
      const decision = decide(inputs, { validation: "repair" }, parts);
      if (decision.do === "pass") return;
      if (decision.do !== "repair") throw new Error(JSON.stringify(decision));
      expect(found(decision.inputs, undefined, parts).violations).toEqual([]);
      const written = openInference.parseRequest(Buffer.from(openInference.formatRequest(decision.inputs)));
      expect(written).toMatchObject({ ok: true });
    }),
  );
});

test("the header is printable ASCII, at most 512 characters, and counts what it could not name", () => {
  fc.assert(
    fc.property(fc.uniqueArray(fc.string({ maxLength: 60, unit: "binary" }), { minLength: 1, maxLength: 60 }), (names) => {
      const header = repairedValue(new Map(names.map((name) => [name, { impute: 1, cast: 3 }])));
      expect(header).toMatch(/^[\x20-\x7e]{1,512}$/);
      const named = header.match(/;impute=1;cast=3/g)?.length ?? 0;
      const more = Number(/more;features=(\d+)$/.exec(header)?.[1] ?? 0);
      expect(named + more).toBe(names.length);
    }),
    { numRuns: 30 },
  );
  expect(repairedValue(new Map([['a"b\r\nx: y', { clip: 2 }]]))).toBe('"a%22b%0D%0Ax:%20y";clip=2');
});

test("the options have their defaults, and no others", () => {
  expect(contractOptions.parse({})).toEqual({ validation: "off", tolerance: 0.1, values: 100_000 });
  expect(() => contractOptions.parse({ validate: "reject" })).toThrow();
});
