/** Rungs asked with copies of what the primary has answered: bounded, for nobody's sake but the figures', in no client's way. */
import { join } from "node:path";
import { expect, test } from "vitest";
import type { Question, RungAnswer } from "../../agent/backend.ts";
import type { RungPrice } from "../../agent/judgement.ts";
import { rungKey } from "../../agent/ladder/copies.ts";
import { ladderOptions } from "../../agent/ladder/ladder.ts";
import type { Send, Sent } from "../../agent/ladder/relay.ts";
import type { CopyObservation } from "../../agent/observation.ts";
import { FakeClock } from "../fake-clock.ts";
import { fixtures, question, stage, type Stage } from "./stage.ts";

const answer = '{"outputs":[{"name":"y","datatype":"FP32","shape":[1],"data":[0.5]}]}';
const good = { status: 200, headers: {}, body: Buffer.from(answer), version: "1" };
const asked = question({ inputs: [{ name: "x", datatype: "FP32", shape: [1], data: [1] }] });
const turns = async () => {
  for (let i = 0; i < 30; i += 1) await Promise.resolve();
};

/** Servers that answer when the test says so. */
function puppets() {
  const waiting: { readonly question: Question; readonly settle: (sent: Sent) => void; readonly signal: AbortSignal }[] = [];
  const send: Send = (_server, one, _timeoutMs, signal) => new Promise((settle) => void waiting.push({ question: one, settle, signal }));
  const settleAll = async (body: string = answer) => {
    for (const { settle } of waiting.splice(0)) settle({ ok: true, status: 200, headers: {}, body: Buffer.from(body) });
    await turns();
  };
  return { waiting, send, settleAll };
}

interface Copying extends Stage {
  readonly clock: FakeClock;
  readonly offer: (id?: string, body?: Buffer, path?: string) => Promise<void>;
  readonly heard: readonly CopyObservation[];
  readonly counts: Readonly<Record<string, number>>;
}

async function copying(rungs: readonly object[], send?: Send, options: object = {}): Promise<Copying> {
  const clock = new FakeClock();
  const heard: CopyObservation[] = [];
  const counts: Record<string, number> = {};
  const made = await stage(rungs, { name: "employment", versions: [], inputs: [], outputs: [] }, clock, {
    ...(send && { send }),
    qualification: {
      options: { perSecond: 2, bodyMax: 1_000, enforce: true, rungs: {}, ...options },
      observe: (copy) => void heard.push(copy),
      counted: (rung, result) => void (counts[`${rung} ${result}`] = (counts[`${rung} ${result}`] ?? 0) + 1),
    },
  });
  const offer = async (id: string = "one", body: Buffer = good.body, path: string = asked.path) => {
    made.ladder.offer(id, { ...asked, path }, { ...good, body }, 5);
    await turns();
  };
  return { ...made, clock, offer, heard, counts };
}

const replica = { kind: "replica", urls: ["http://a"], circuit: { failures: 1 } };

test("a copy bears the rung's name, and both answers are handed on undecoded with how long it took", async () => {
  const { waiting, send, settleAll } = puppets();
  const { offer, heard, clock } = await copying([replica], send);
  await offer("seven");
  expect(waiting[0]?.question.headers).toMatchObject({ "pilotfish-shadow": "replica" });
  clock.advance(30);
  await settleAll();
  expect(heard).toMatchObject([{ kind: "copy", inferenceId: "seven", rung: "replica", protocol: "open-inference", outcome: "ok", durationMs: 30, atWallMs: 5 }]);
  expect(Buffer.from(heard[0]?.primary ?? []).toString()).toBe(answer);
  expect(Buffer.from(heard[0]?.answer ?? []).toString()).toBe(answer);
});

test("overload lets copies go and counts them: one at a time for each rung, so many a second, none that is too large", async () => {
  const { waiting, send, settleAll } = puppets();
  const { offer, counts, clock } = await copying([replica], send);
  for (let i = 0; i < 10; i += 1) await offer();
  expect(waiting).toHaveLength(1);
  await settleAll();
  await offer();
  await settleAll();
  await offer();
  expect(counts).toEqual({ "replica busy": 9, "replica asked": 2, "replica rate": 1 });
  clock.advance(500);
  await offer("large", Buffer.alloc(1_001));
  await offer();
  await settleAll();
  expect(counts).toEqual({ "replica busy": 9, "replica asked": 3, "replica rate": 1, "replica too-large": 1 });
});

test("a client sends the copy away, and while clients ask a rung it gets none", async () => {
  const { waiting, send, settleAll } = puppets();
  const { offer, counts, heard, ask } = await copying([replica], send);
  await offer();
  const client = ask(asked);
  expect(waiting.map(({ signal }) => signal.aborted)).toEqual([true, false]);
  await offer();
  await settleAll();
  expect((await client).outcome).toBe("ok");
  expect(counts).toEqual({ "replica busy": 1, "replica given-up": 1 });
  expect(heard).toEqual([]);
  await offer();
  await settleAll();
  expect(counts["replica asked"]).toBe(1);
});

test("an ensemble gets no copy while clients ask a member, and a client at a member goes before the ensemble's copy", async () => {
  const { waiting, send, settleAll } = puppets();
  const { offer, counts, ask } = await copying([{ kind: "ensemble", members: ["replica"] }, replica], send, { rungs: { replica: { copies: false } } });
  await offer();
  expect(waiting[0]?.question.headers).toMatchObject({ "pilotfish-shadow": "ensemble" });
  const client = ask(asked, 1);
  expect(waiting.map(({ signal }) => signal.aborted)).toEqual([true, false]);
  await turns();
  await offer();
  await settleAll();
  expect((await client).outcome).toBe("ok");
  expect(counts).toEqual({ "ensemble asked": 1, "ensemble busy": 1 });
});

test("copies count for no circuit, are not repeated, and end with the rung's own time", async () => {
  const { waiting, send } = puppets();
  const { offer, heard, clock, ladder } = await copying([{ ...replica, urls: ["http://a", "http://b"] }], send);
  await offer();
  waiting.splice(0).forEach(({ settle }) => settle({ ok: true, status: 500, headers: {}, body: Buffer.alloc(0) }));
  await turns();
  await offer();
  clock.advance(2_000);
  await turns();
  expect(waiting).toHaveLength(1);
  expect(heard.map(({ outcome, durationMs }) => [outcome, durationMs])).toEqual([["error", 0], ["timeout", 2_000]]);
  expect(ladder.usable()).toEqual(["replica"]);
});

test("no copy has a model loaded that sleeps, none goes to a rung that is left out, and an ensemble is asked as a whole", async () => {
  const lazy = { kind: "onnx", name: "lazy", model: join(fixtures, "sklearn_randomforest.onnx"), load: "lazy" };
  const rungs = [lazy, { kind: "ensemble", name: "of-lazy", members: ["lazy", "a"] }, { kind: "ensemble", name: "both", members: ["a", "b"] }, { kind: "default", name: "a", outputs: { y: 1 } }, { kind: "default", name: "b", outputs: { y: 0.5 } }];
  const { offer, counts, heard } = await copying(rungs, undefined, { rungs: { b: { copies: false } } });
  await offer();
  expect(counts).toEqual({ "lazy asleep": 1, "of-lazy asleep": 1, "both asked": 1, "a asked": 1 });
  expect(heard.map(({ rung, answer: said }) => [rung, (JSON.parse(Buffer.from(said).toString()) as { outputs: { data: number[] }[] }).outputs[0]?.data])).toEqual([["a", [1]], ["both", [0.75]]]);
});

test("a question for another model than the ladder's is nobody's fault, so it is offered to nobody", async () => {
  const { offer, counts } = await copying([{ kind: "default", outputs: { y: 1 } }]);
  await offer("one", good.body, "/v2/models/other/infer");
  expect(counts).toEqual({});
});

test("what a rung would give again it must have been given before", async () => {
  const { offer, heard, ladder } = await copying([{ kind: "last-good" }]);
  for (const id of ["first", "again"]) {
    await offer(id);
    ladder.remember(asked, good);
  }
  expect(heard.map(({ outcome }) => outcome)).toEqual(["unsupported", "ok"]);
});

const some = [{ kind: "ensemble", members: ["a", "b"], quorum: 1 }, { kind: "rules", name: "a", features: ["x"], rules: [{ when: "x > 0", outputs: { y: 1 } }] }, { kind: "default", name: "b", outputs: { y: 0 } }];
const rungs = ladderOptions.parse(some);
const price = (rung: string, standing: RungPrice["standing"], key?: string): RungPrice => ({
  rung, standing,
  key: key ?? rungKey(rungs.find(({ name }) => name === rung) ?? rungs[0]!, rungs),
  message: "agrees with the primary in 71 % of 240 answers (at least 90 % asked)",
  copies: 240, compared: 240, agreement: 0.71, coverage: 1, difference: undefined, accuracy: undefined, primaryAccuracy: undefined, medianMs: 1, slowMs: 2,
});
const outcomeOf = ({ outcome }: RungAnswer) => outcome;

test("a rung that is not eligible is not asked and says why, alone or as a member, until it is eligible again; each change is told once", async () => {
  const { ladder, ask, told } = await copying(some);
  ladder.qualify([price("a", "ineligible"), price("b", "unproven")]);
  ladder.qualify([price("a", "ineligible"), price("b", "qualified")]);
  expect(await ask(asked, 1)).toEqual({ outcome: "unsupported", detail: "it is not eligible: it agrees with the primary in 71 % of 240 answers (at least 90 % asked)" });
  expect(await ask(asked, 0)).toMatchObject({ outcome: "ok", members: ["b"], headers: { "pilotfish-members-left-out": "a;unsupported" } });
  expect(ladder.usable()).toEqual(["ensemble", "b"]);
  ladder.qualify([price("a", "unproven"), price("b", "qualified")]);
  expect(ladder.usable()).toEqual(["ensemble", "a", "b"]);
  const words = "agrees with the primary in 71 % of 240 answers (at least 90 % asked)";
  expect(told.map(({ level, message }) => [level, message])).toEqual([
    ["warn", `the rung a ${words}: it is not asked until its answers to copies are good again`],
    ["info", `the rung b ${words}: it is qualified`],
    ["info", `the rung a ${words}: it may be asked again`],
  ]);
});

test("a verdict on another rung of the same name does not count, and the last resorts stay unless the config names them", async () => {
  const { ladder, ask } = await copying(some);
  ladder.qualify([price("a", "ineligible", "another's"), price("b", "ineligible")]);
  expect([await ask(asked, 1), await ask(asked, 2)].map(outcomeOf)).toEqual(["ok", "ok"]);
  const strict = await copying(some, undefined, { enforce: false, rungs: { b: { enforce: true } } });
  strict.ladder.qualify([price("a", "ineligible"), price("b", "ineligible")]);
  expect([await strict.ask(asked, 1), await strict.ask(asked, 2)].map(outcomeOf)).toEqual(["ok", "unsupported"]);
});

test("an error of a rung's own ends its copy, and nothing else", async () => {
  const { offer, heard } = await copying([replica], () => Promise.reject(new Error("no such thing")));
  await offer();
  expect(heard).toMatchObject([{ outcome: "error" }]);
});
