/** Rules over named features: read, checked and applied. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { expect, onTestFinished, test } from "vitest";
import { ladderOptions } from "../../agent/ladder/ladder.ts";
import { ladderMistakes } from "../../agent/ladder/mistakes.ts";
import { compile, variableOf } from "../../agent/ladder/rules.ts";
import type { ModelDescription } from "../../agent/protocols/protocol.ts";
import { bodyOf, question, stage } from "./stage.ts";

const features = { AGE: "number", PETS: "integer", CITY: "text", MEMBER: "boolean" };
const people = (rows: readonly { AGE?: unknown; PETS?: unknown; CITY?: unknown; MEMBER?: unknown }[]) =>
  question({
    inputs: (["AGE", "PETS", "CITY", "MEMBER"] as const).map((name) => ({ name, datatype: "X", shape: [rows.length], data: rows.map((row) => row[name] ?? null) })),
  });
const description: ModelDescription = {
  name: "employment",
  versions: [],
  inputs: [],
  outputs: [{ name: "label", datatype: "INT64", shape: [-1] }, { name: "probabilities", datatype: "FP32", shape: [-1, 2] }],
};

function file(text: string): string {
  const folder = mkdtempSync(join(tmpdir(), "rules-"));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  const path = join(folder, "rules.yaml");
  writeFileSync(path, text);
  return path;
}
const mistakesIn = async (rung: Readonly<Record<string, unknown>>) => ladderMistakes(ladderOptions.parse([{ kind: "rules", ...rung }]), undefined);

test("for each row the first rule that holds gives the outputs, in the primary's shape", async () => {
  const rules = file(`
features: {AGE: number, PETS: integer, CITY: text, MEMBER: boolean}
rules:
  - when: AGE < 18 || CITY == "Atlantis"
    outputs: {label: 0, probabilities: [0.98, 0.02]}
  - when: PETS in [3, 4] && MEMBER
    outputs: {label: 1, probabilities: [{cel: "AGE / 100.0"}, {cel: "1.0 - AGE / 100.0"}]}
  - when: true
    outputs: {label: 1, probabilities: [0.4, 0.6]}
`);
  const { ask } = await stage([{ kind: "rules", rules, version: "rules-7" }], description);
  const answer = await ask(people([
    { AGE: 12, PETS: 0, CITY: "Kiel", MEMBER: true },
    { AGE: 25, PETS: 3, CITY: "Kiel", MEMBER: true },
    { AGE: 25, PETS: 3, CITY: "Kiel", MEMBER: false },
    { AGE: 80, PETS: 0, CITY: "Atlantis", MEMBER: false },
  ]));
  expect(answer).toMatchObject({ outcome: "ok", version: "rules-7" });
  expect(bodyOf(answer).outputs).toEqual([
    { name: "label", datatype: "INT64", shape: [4], data: [0, 1, 1, 0] },
    { name: "probabilities", datatype: "FP32", shape: [4, 2], data: [0.98, 0.02, 0.25, 0.75, 0.4, 0.6, 0.98, 0.02] },
  ]);
});

test("a matrix has the names that the rules' features have, in their order", async () => {
  const { ask } = await stage([{ kind: "rules", features: ["a", "b"], rules: [{ when: "b > a", outputs: { y: 1 } }, { when: true, outputs: { y: 0 } }] }]);
  expect(bodyOf(await ask(question({ inputs: [{ name: "X", datatype: "FP32", shape: [2, 2], data: [1, 2, 2, 1] }] }))).outputs[0]?.data).toEqual([1, 0]);
});

test.each<[string, string, readonly object[], string]>([
  ["a value that a rule needs is missing", "AGE > 18", [{ AGE: 40 }, {}], "rule 0 can not be evaluated in row 1: AGE is missing"],
  ["no rule holds", "AGE > 18", [{ AGE: 40 }, { AGE: 4 }], "no rule holds for row 1"],
  ["a text where a number is expected", "AGE > 18", [{ AGE: "old" }], 'AGE is "old" in row 0, and the rules take a number'],
  ["a number with a fraction where none is expected", "PETS > 1", [{ PETS: 1.5 }], "PETS is 1.5 in row 0, and the rules take a whole number"],
  ["an expression that comes to nothing", "1 / PETS > 0", [{ PETS: 0 }], "rule 0 can not be evaluated in row 0: division by zero"],
])("%s: the next rung is asked, with the reason said", async (_name, when, rows, detail) => {
  const { ask } = await stage([{ kind: "rules", features, rules: [{ when, outputs: { y: 1 } }] }]);
  expect(await ask(people(rows))).toEqual({ outcome: "unsupported", detail });
});

test("missing() lets a rule look first; what it then does not need may be missing", async () => {
  const rules = [{ when: 'missing("AGE") || AGE < 18', outputs: { y: 0 } }, { when: true, outputs: { y: 1 } }];
  const { ask } = await stage([{ kind: "rules", features, rules }]);
  expect(bodyOf(await ask(people([{}, { AGE: 4 }, { AGE: 40 }]))).outputs[0]?.data).toEqual([0, 0, 1]);
});

test("an infinite result is no answer, since JSON can not carry it", async () => {
  const { ask } = await stage([{ kind: "rules", features, rules: [{ when: true, outputs: { y: { cel: "AGE / 0.0" } } }] }]);
  expect(await ask(people([{ AGE: 1 }]))).toMatchObject({ outcome: "error" });
});

test.each<[string, unknown, string, RegExp]>([
  ["an unknown name", [{ when: "AGE > 1 && SIZE > 2", outputs: { y: 1 } }], "ladder.0.rules.0.when", /^at character 12: there is no feature SIZE; there are AGE, PETS, CITY, MEMBER$/],
  ["an unknown name in missing()", [{ when: 'missing("SIZE")', outputs: { y: 1 } }], "ladder.0.rules.0.when", /^at character 9: there is no feature SIZE/],
  ["a syntax error", [{ when: true, outputs: { y: 1 } }, { when: "AGE <", outputs: { y: 1 } }], "ladder.0.rules.1.when", /^at character 6: no valid expression: Unexpected token: EOF/],
  ["a condition that is none", [{ when: "AGE + 1.0", outputs: { y: 1 } }], "ladder.0.rules.0.when", /expected true or false, and this gives double/],
  ["an output of a wrong type", [{ when: true, outputs: { y: [1, { cel: "[1, 2]" }] } }], "ladder.0.rules.0.outputs.y.1.cel", /expected a number, text, true or false, and this gives list/],
  ["types that do not fit", [{ when: "AGE == CITY", outputs: { y: 1 } }], "ladder.0.rules.0.when", /^at character 1: no such overload: double == string$/],
  ["a whole number where fractions are", [{ when: "AGE == 5", outputs: { y: 1 } }], "ladder.0.rules.0.when", /write the number as 18.0, or declare the feature as an integer/],
  ["rules that disagree in shape", [{ when: "AGE > 1", outputs: { y: 1 } }, { when: true, outputs: { y: [1, 2] } }], "ladder.0.rules.1.outputs", /the first gives y, and this one y\[2\]/],
  ["a regular expression", [{ when: 'CITY.matches("(a+)+$")', outputs: { y: 1 } }], "ladder.0.rules.0.when", /matches\(\) is not offered/],
])("%s in a rule is a mistake of the config, with its place", async (_name, rules, path, message) => {
  expect(await mistakesIn({ rules, features })).toEqual([{ path, message: expect.stringMatching(message) as string }]);
});

test("mistakes in a file are all told, each with its line and column", async () => {
  const rules = file(`features: {AGE: number}
rules:
  - when: AGE > 1 &&
    outputs: {y: 1}
  - when: "SIZE > 2"
    outputs: {y: 1}
  - when: true
    outputs: {y: {cel: 'AGE > 2.0 ? CITY : "b"'}}
`);
  const told = await mistakesIn({ rules });
  expect(told.map(({ path }) => path)).toEqual(["ladder.0.rules", "ladder.0.rules", "ladder.0.rules"]);
  expect(told.map(({ message }) => message)).toEqual([
    expect.stringMatching(/rules\.yaml:3:21 rules\.0\.when: no valid expression/),
    expect.stringMatching(/rules\.yaml:5:12 rules\.1\.when: there is no feature SIZE; there are AGE$/),
    expect.stringMatching(/rules\.yaml:8:37 rules\.2\.outputs\.y\.cel: there is no feature CITY/),
  ]);
});

test.each([
  ["is not there", undefined, /there is no such file/],
  ["is no YAML", "rules: [{when", /rules\.yaml:1:\d+ no valid YAML/],
  ["has no rules", "features: {a: number}", /rules: Invalid input/],
  ["has rules of another form", "- {if: true}", /rules\.yaml:1:3 rules\.0/],
  ["does not say which features there are", "- {when: true, outputs: {y: 1}}", /nobody says which features there are/],
])("a file that %s is a mistake, and leaves its rung out where it is met at the start", async (_name, text, message) => {
  const rules = text === undefined ? "/nowhere/rules.yaml" : file(text);
  const told = await mistakesIn({ rules });
  expect(told[0]?.path).toBe("ladder.0.rules");
  expect(told[0]?.message).toMatch(message);
  const { ladder, told: logged, ask } = await stage([{ kind: "rules", rules }, { kind: "default", outputs: { y: 1 } }]);
  expect(logged).toMatchObject([{ level: "error", message: expect.stringMatching(message) as string }]);
  expect(ladder.usable()).toEqual(["default"]);
  expect((await ask(people([{}]))).outcome).toBe("error");
});

test("features that the reference knows need not be named again", async () => {
  const known = [{ name: "AGE", type: "number" as const }];
  const rules = [{ when: "AGE > 18", outputs: { y: 1 } }];
  expect(await ladderMistakes(ladderOptions.parse([{ kind: "rules", rules }]), known)).toEqual([]);
  const { ask } = await stage([{ kind: "rules", rules }], undefined, undefined, { features: () => known });
  expect((await ask(people([{ AGE: 40 }]))).outcome).toBe("ok");
});

test("the example of the docs is good", async () => {
  const text = readFileSync(join(import.meta.dirname, "..", "..", "docs", "CONFIG.md"), "utf8");
  const [, example = ""] = /```yml\n(features:[\s\S]*?)```/.exec(text) ?? [];
  expect(await mistakesIn({ rules: file(example) })).toEqual([]);
  expect(await mistakesIn({ rules: file(example.replaceAll("AGE", "AGED").replace("AGED:", "AGE:")) })).not.toEqual([]);
});

test("a feature whose name is no variable has _ in its place", () => {
  expect(["petal length", "2nd", "in", "größe"].map(variableOf)).toEqual(["petal_length", "_2nd", "in_", "gr__e"]);
  expect(compile([{ when: 'petal_length > 1.0 && !missing("petal length")', outputs: { y: 1 } }], [{ name: "petal length", type: "number" }]).ok).toBe(true);
  expect(compile([{ when: true, outputs: { y: 1 } }], [{ name: "a b", type: "number" }, { name: "a-b", type: "number" }])).toMatchObject({ ok: false });
});

test("whatever stands in a condition, checking it finds a mistake or none, and throws never", () => {
  fc.assert(
    fc.property(fc.oneof(fc.string(), fc.stringMatching(/^[AGE<>=&|()!?:.+*/0-9 "']{0,40}$/)), (when) => {
      const compiled = compile([{ when: when === "" ? " " : when, outputs: { y: 1 } }], [{ name: "AGE", type: "number" }]);
      if (!compiled.ok) return;
      compiled.rules.apply([{ name: "AGE", values: [1, null, 3] }], 3);
    }),
    { numRuns: 2_000 },
  );
});
