/** What `pilotfish check` finds wrong with a ladder before anything is opened. */
import { expect, test } from "vitest";
import { ladder, ladderOptions } from "../../agent/ladder/ladder.ts";
import { ladderMistakes } from "../../agent/ladder/mistakes.ts";
import { ladderDeps } from "./stage.ts";

const a = { kind: "default", name: "a", outputs: { y: 1 } };
const b = { kind: "default", name: "b", outputs: { y: 2 } };
const mistakes = (rungs: readonly object[]) => ladderMistakes(ladderOptions.parse(rungs), undefined);

test("a ladder of every kind is good", async () => {
  const rungs = [
    { kind: "replica", urls: ["http://10.0.0.7:8080", "https://other.example/models"] },
    { kind: "version" },
    { kind: "onnx", model: "small.onnx" },
    { kind: "ensemble", members: ["onnx", "a", "last-good"], weights: { a: 2 }, quorum: 3 },
    { kind: "rules", features: ["AGE"], rules: [{ when: true, outputs: { y: 1 } }] },
    { kind: "last-good" },
    a,
  ];
  expect(await mistakes(rungs)).toEqual([]);
  expect(ladder(ladderOptions.parse(rungs), ladderDeps()).rungs.map(({ kind }) => kind)).toEqual(["replica", "version", "onnx", "ensemble", "rules", "last-good", "default"]);
});

test.each<[string, readonly object[], string, string]>([
  ["of a member that there is not", [{ kind: "ensemble", members: ["a", "x"] }, a, b], "ladder.0.members.1", 'there is no rung named "x"; there are a, b'],
  ["of itself", [{ kind: "ensemble", members: ["ensemble"] }, a], "ladder.0.members.0", "an ensemble can not be a member of itself"],
  ["of an ensemble", [{ kind: "ensemble", members: ["a"] }, a, { kind: "ensemble", name: "e", members: ["ensemble"] }], "ladder.2.members.0", '"ensemble" is an ensemble itself; name its members'],
  ["of the primary", [{ kind: "ensemble", members: ["primary"] }], "ladder.0.members.0", "the primary's last good answer is a member by the name of a rung of kind last-good"],
  ["of a member twice", [{ kind: "ensemble", members: ["a", "a"] }, a], "ladder.0.members.1", '"a" is a member already'],
  ["with a weight for nobody", [{ kind: "ensemble", members: ["a"], weights: { b: 1 } }, a, b], "ladder.0.weights.b", '"b" is no member'],
  ["with a quorum that can not be had", [{ kind: "ensemble", members: ["a"], quorum: 2 }, a], "ladder.0.quorum", "a quorum of 2 can not be had from 1 members"],
])("an ensemble %s is a mistake, and is refused by whoever makes the ladder", async (_name, rungs, path, message) => {
  expect(await mistakes(rungs)).toEqual([{ path, message }]);
  expect(() => ladder(ladderOptions.parse(rungs), ladderDeps())).toThrow(`${path}: ${message}`);
});

test("names that are taken are all told", async () => {
  expect(await mistakes([a, a, { ...b, name: "primary" }, { ...b, name: "none" }])).toEqual([
    { path: "ladder.1.name", message: 'a rung before it is named "a" too; give each its own name' },
    { path: "ladder.2.name", message: '"primary" has a meaning of its own; choose another name' },
    { path: "ladder.3.name", message: '"none" has a meaning of its own; choose another name' },
  ]);
});

test.each<[string, object]>([
  ["a replica without servers", { kind: "replica", urls: [] }],
  ["a replica that is no URL", { kind: "replica", urls: ["10.0.0.7:8080"] }],
  ["a weight of nothing", { kind: "ensemble", members: ["a"], weights: { a: 0 } }],
  ["a method that there is not", { kind: "ensemble", members: ["a"], combine: "average" }],
  ["a bulkhead of nobody", { kind: "version", bulkhead: { active: 0 } }],
  ["a circuit of an unknown option", { kind: "version", circuit: { ratio: 0.5 } }],
  ["a domain of an unknown option", { ...a, validity: { AGE: { least: 1 } } }],
  ["a time to live without unit", { kind: "last-good", ttl: 60 }],
  ["an input from nowhere", { kind: "onnx", model: "a", inputs: { X: [] } }],
  ["no rules", { kind: "rules", rules: [] }],
  ["features of an unknown type", { kind: "rules", features: { AGE: "float" }, rules: [{ when: true, outputs: { y: 1 } }] }],
])("%s is refused", (_name, rung) => {
  expect(ladderOptions.safeParse([rung]).success).toBe(false);
});
