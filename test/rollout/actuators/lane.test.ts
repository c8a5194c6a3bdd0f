/** Order, retries, what takes the place of what, and a restart in the middle: on a clock that a test turns, told to nobody real. */
import { expect, test } from "vitest";
import type { AskRequest, Asked } from "../../../agent/forward/ask.ts";
import { pauseMs } from "../../../agent/rollout/actuators/backoff.ts";
import { FakeClock } from "../../fake-clock.ts";
import { actuation, optionsOf, telling } from "./stage.ts";

/** A world that answers when it is told to: each request waits for its turn, or is answered at once by `always`. */
class World {
  readonly asked: AskRequest[] = [];
  always: number | undefined;
  readonly #waiting: ((asked: Asked) => void)[] = [];

  readonly ask = (_clock: unknown, request: AskRequest): Promise<Asked> => {
    this.asked.push(request);
    if (this.always !== undefined) return Promise.resolve(answered(this.always));
    return new Promise((resolve) => {
      this.#waiting.push(resolve);
      request.signal?.addEventListener("abort", () => resolve({ ok: false, outcome: "cancelled", detail: "cancelled", durationMs: 0 }), { once: true });
    });
  };

  /** Answers the request that has waited longest. */
  async answer(status: number): Promise<void> {
    this.#waiting.shift()?.(answered(status));
    await turn();
  }

  /** To whom and of what, in order. */
  get told(): readonly string[] {
    return this.asked.map(({ url, body }) => `${new URL(url).hostname} ${(JSON.parse(body?.toString() ?? "") as { action: string }).action}`);
  }
}

function answered(status: number): Asked {
  return { ok: true, status, headers: {}, body: Buffer.from(""), durationMs: 1 };
}

/** Lets promises settle. */
async function turn(): Promise<void> {
  for (let i = 0; i < 40; i += 1) await Promise.resolve();
}

const hook = (name: string, more: Record<string, unknown> = {}) => ({ kind: "webhook", name, url: `http://${name}/`, timeout: "5s", retries: 3, pause: "1s", pauseMax: "1m", within: "1m", ...more });

function stage(options: readonly Record<string, unknown>[], kept?: unknown) {
  const clock = new FakeClock();
  const world = new World();
  return { clock, world, ...telling(optionsOf(...options), { clock, ask: world.ask }, kept) };
}

test("the gateway is first, wherever it is listed, and the others follow one after the other", async () => {
  const { actuators, world, counted } = stage([hook("a"), { kind: "gateway" }, hook("b")]);
  actuators.run(actuation("start"));
  await turn();
  expect([counted, world.told]).toEqual([["gateway start done"], ["a start"]]);
  await world.answer(200);
  expect(world.told).toEqual(["a start", "b start"]);
  await world.answer(200);
  expect(counted).toEqual(["gateway start done", "a start done", "b start done"]);
  expect(actuators.pending()).toEqual([]);
});

test("one that is not to be waited for keeps nobody", async () => {
  const { actuators, world } = stage([hook("a", { wait: false }), hook("b")]);
  actuators.run(actuation("start"));
  await turn();
  expect(world.told).toEqual(["a start", "b start"]);
});

test("one that fails for good keeps nobody either", async () => {
  const { actuators, world, results } = stage([hook("a"), hook("b")]);
  actuators.run(actuation("promote"));
  await turn();
  await world.answer(400);
  await world.answer(200);
  expect(results()).toEqual(["a promote failed", "b promote done"]);
});

test("each actuator is told only of what it heeds", async () => {
  const { actuators, world } = stage([hook("a", { actions: ["roll-back"] }), hook("b", { actions: ["start"] })]);
  world.always = 200;
  for (const action of ["start", "weight", "promote", "roll-back"] as const) {
    actuators.run(actuation(action));
    await turn();
  }
  expect(world.told).toEqual(["b start", "a roll-back"]);
});

test("pauses double up to their limit, less up to half by chance, and never before the time that was asked for", () => {
  const pauses = (random: number) => [1, 2, 3, 4, 5, 200].map((failures) => pauseMs({ pause: 1_000, pauseMax: 10_000 }, failures, random));
  expect(pauses(0)).toEqual([1_000, 2_000, 4_000, 8_000, 10_000, 10_000]);
  expect(pauses(0.999).every((ms, i) => ms >= (pauses(0)[i] as number) / 2)).toBe(true);
  expect(pauseMs({ pause: 1_000, pauseMax: 10_000 }, 1, 0.5, 7_000)).toBe(7_000);
});

test("attempts end with the retries, and with the time for all of them", async () => {
  const { actuators, world, clock, results, trouble } = stage([hook("a", { retries: 2 }), hook("b", { retries: 50, within: "10s" })]);
  world.always = 503;
  actuators.run(actuation("promote"));
  await clock.advanceAsync(10_000, 100);
  expect(world.told.filter((to) => to === "a promote")).toHaveLength(3);
  await clock.advanceAsync(20_000, 100);
  expect(results()).toEqual(["a promote failed", "b promote failed"]);
  // 1 + 2 + 4 s and less: a fifth attempt would come before the tenth second by luck alone.
  expect(world.told.filter((to) => to === "b promote").length).toBeGreaterThanOrEqual(4);
  expect(world.told.filter((to) => to === "b promote").length).toBeLessThanOrEqual(5);
  expect(trouble.map(({ actuator }) => actuator)).toEqual(["a", "b"]);
  expect(clock.pending).toBe(0);
});

test("an actuator that never comes to an end is left in its time", async () => {
  const { actuators, clock, results, reports } = stage([hook("a", { retries: 0 })]);
  actuators.run(actuation("promote"));
  await clock.advanceAsync(6_000, 500);
  expect(results()).toEqual(["a promote failed"]);
  expect(reports.at(-1)?.detail).toBe("it came to no end in its time");
});

test("a weight takes the place of one that is between two attempts, and does not break off one that is under way", async () => {
  const { actuators, world, clock, results, reports } = stage([hook("a")]);
  actuators.run(actuation("weight", { weight: 0.1 }));
  await turn();
  await world.answer(503);
  actuators.run(actuation("weight", { weight: 0.2 }));
  await turn();
  expect(results()).toEqual(["a weight skipped"]);
  expect(reports.find(({ result }) => result === "skipped")?.detail).toBe("superseded by weight of rollout r-1");
  actuators.run(actuation("weight", { weight: 0.3 }));
  await turn();
  expect(world.asked).toHaveLength(2);
  await world.answer(200);
  await world.answer(200);
  expect(results()).toEqual(["a weight skipped", "a weight done", "a weight done"]);
  expect(world.asked.map(({ body }) => (JSON.parse(body?.toString() ?? "") as { weight: number }).weight)).toEqual([0.1, 0.2, 0.3]);
  expect(clock.pending).toBe(0);
});

test("a roll-back breaks off what it takes back, at once, and whatever waited for its turn is not told any more", async () => {
  const { actuators, world, results } = stage([hook("a"), hook("b")]);
  actuators.run(actuation("promote"));
  await turn();
  expect(world.told).toEqual(["a promote"]);
  actuators.run(actuation("roll-back"));
  await turn();
  expect(world.asked[0]?.signal?.aborted).toBe(true);
  expect(world.told).toEqual(["a promote", "a roll-back"]);
  world.always = 200;
  await world.answer(200);
  await world.answer(200);
  expect(world.told).toEqual(["a promote", "a roll-back", "b roll-back"]);
  expect(results().toSorted()).toEqual(["a promote skipped", "a roll-back done", "b promote skipped", "b roll-back done"]);
});

test("a promotion that is being retried ends with the roll-back also where the roll-back is not heeded", async () => {
  const { actuators, world, clock, results } = stage([hook("a", { actions: ["promote"] })]);
  world.always = 503;
  actuators.run(actuation("promote"));
  await turn();
  actuators.run(actuation("roll-back"));
  await clock.advanceAsync(60_000, 1_000);
  expect([world.told, results()]).toEqual([["a promote"], ["a promote skipped"]]);
});

test("nothing of a rollout is told after its roll-back, but another rollout is", async () => {
  const { actuators, world, results } = stage([hook("a")]);
  actuators.run(actuation("roll-back"));
  await turn();
  actuators.run(actuation("weight", { weight: 0.5 }));
  await turn();
  expect(results()).toEqual(["a weight skipped"]);
  await world.answer(200);
  actuators.run(actuation("start", { rollout: "r-2" }));
  await turn();
  expect(world.told).toEqual(["a roll-back", "a start"]);
});

test("a roll-back that failed is tried about once a minute for an hour, keeps nobody after it, and is given up and said", async () => {
  const { actuators, world, clock, results, trouble } = stage([hook("a", { retries: 1 }), hook("b")]);
  world.always = 503;
  actuators.run(actuation("roll-back"));
  await clock.advanceAsync(10_000, 500);
  expect(results()).toContain("a roll-back failed");
  expect(world.told).toContain("b roll-back");
  const before = world.told.filter((to) => to === "a roll-back").length;
  await clock.advanceAsync(2 * 3_600_000, 5_000);
  const late = world.told.filter((to) => to === "a roll-back").length - before;
  expect(late).toBeGreaterThanOrEqual(47);
  expect(late).toBeLessThanOrEqual(60);
  expect(trouble.findLast(({ actuator }) => actuator === "a")?.detail).toMatch(/given up after an hour$/);
  expect(actuators.pending()).toEqual([]);
  expect(clock.pending).toBe(0);
});

test("a roll-back that succeeds late is done", async () => {
  const { actuators, world, clock, results } = stage([hook("a", { retries: 0 })]);
  world.always = 503;
  actuators.run(actuation("roll-back"));
  await clock.advanceAsync(200_000, 1_000);
  world.always = 200;
  await clock.advanceAsync(100_000, 1_000);
  expect(results()).toEqual(["a roll-back failed", "a roll-back done"]);
});

test("another rollout ends the late attempts at the one before", async () => {
  const { actuators, world, clock, results } = stage([hook("a", { retries: 0 })]);
  world.always = 503;
  actuators.run(actuation("roll-back"));
  await clock.advanceAsync(5_000, 1_000);
  world.always = 200;
  actuators.run(actuation("start", { rollout: "r-2" }));
  await turn();
  expect(results()).toEqual(["a roll-back failed", "a roll-back skipped", "a start done"]);
});

test("a promotion that failed is not tried late", async () => {
  const { actuators, world, clock } = stage([hook("a", { retries: 0 })]);
  world.always = 503;
  actuators.run(actuation("promote"));
  await clock.advanceAsync(600_000, 10_000);
  expect(world.asked).toHaveLength(1);
});

test("what was told by its id already, and is not over, is not told twice", async () => {
  const { actuators, world } = stage([hook("a")]);
  actuators.run(actuation("roll-back"));
  actuators.run(actuation("roll-back"));
  await turn();
  expect(world.told).toEqual(["a roll-back"]);
});

test("killed in the middle of a roll-back, the next process goes on with it, and does not tell again who was told", async () => {
  const first = stage([hook("a"), hook("b"), hook("c")]);
  first.actuators.run(actuation("roll-back"));
  await turn();
  await first.world.answer(200);
  expect(first.world.told).toEqual(["a roll-back", "b roll-back"]);
  const kept: unknown = JSON.parse(JSON.stringify(first.actuators.pending()));

  const second = stage([hook("a"), hook("b"), hook("c")], kept);
  await turn();
  await second.world.answer(200);
  await second.world.answer(200);
  expect(second.world.told).toEqual(["b roll-back", "c roll-back"]);
  expect(second.world.asked[0]?.body).toBe(first.world.asked[1]?.body);
  expect(second.results()).toEqual(["b roll-back done", "c roll-back done"]);
  expect(second.actuators.pending()).toEqual([]);
});

test("closed in the middle of it, it stays pending", async () => {
  const { actuators, world, close, counted } = stage([hook("a"), hook("b")]);
  actuators.run(actuation("roll-back"));
  await turn();
  await close();
  expect(world.asked[0]?.signal?.aborted).toBe(true);
  expect(actuators.pending().map(({ actuator }) => actuator)).toEqual(["a", "b"]);
  expect(counted).toEqual(["gateway roll-back done"]);
});

test("a late roll-back has what is left of its hour after a restart", async () => {
  const first = stage([hook("a", { retries: 0 })]);
  first.world.always = 503;
  first.actuators.run(actuation("roll-back"));
  await first.clock.advanceAsync(45 * 60_000, 5_000);
  const kept: unknown = JSON.parse(JSON.stringify(first.actuators.pending()));

  const second = stage([hook("a", { retries: 0 })], kept);
  second.world.always = 503;
  await second.clock.advanceAsync(2 * 3_600_000, 5_000);
  expect(second.world.asked.length).toBeGreaterThanOrEqual(11);
  expect(second.world.asked.length).toBeLessThanOrEqual(16);
  expect(second.reports.at(-1)).toMatchObject({ result: "failed", attempts: first.world.asked.length + second.world.asked.length });
});

test("what was kept for an actuator that is not in the config any more is said to be skipped; what can not be read is passed over", async () => {
  const first = stage([hook("a")]);
  first.actuators.run(actuation("roll-back"));
  await turn();
  const kept = [...first.actuators.pending(), { actuator: "a" }, null, { actuator: "a", actuation: { ...actuation("start"), action: "dance" }, attempts: 0 }];
  const second = stage([hook("b")], kept);
  await turn();
  expect(second.reports).toMatchObject([{ actuator: "a", action: "roll-back", result: "skipped" }]);
  expect(second.actuators.pending()).toEqual([]);
  for (const nonsense of [undefined, "x", 7, {}]) expect(stage([hook("b")], nonsense).actuators.pending()).toEqual([]);
});

test("of a hundred weights in a moment those are told that have a turn: the one under way, and the last", async () => {
  const { actuators, world, results } = stage([hook("a")]);
  actuators.run(actuation("weight", { weight: 0 }));
  await turn();
  for (let percent = 1; percent <= 100; percent += 1) actuators.run(actuation("weight", { weight: percent / 100 }));
  for (let i = 0; i < 20; i += 1) await world.answer(200);
  expect(world.asked.map(({ body }) => (JSON.parse(body?.toString() ?? "") as { weight: number }).weight)).toEqual([0, 1]);
  expect(results().filter((words) => words === "a weight skipped")).toHaveLength(99);
  expect(actuators.pending()).toEqual([]);
});

test("killed while one was still told an older weight than the others, the next process tells it the newer one", async () => {
  const first = stage([hook("a", { wait: false }), hook("b")]);
  first.actuators.run(actuation("weight", { weight: 0.1 }));
  await turn();
  await first.world.answer(200);
  first.actuators.run(actuation("weight", { weight: 0.2 }));
  await turn();
  const kept: unknown = JSON.parse(JSON.stringify(first.actuators.pending()));

  const second = stage([hook("a", { wait: false }), hook("b")], kept);
  second.world.always = 200;
  await turn();
  const told = second.world.asked.map(({ url, body }) => `${new URL(url).hostname} ${String((JSON.parse(body?.toString() ?? "") as { weight: number }).weight)}`);
  expect(told).toEqual(["a 0.2", "b 0.2"]);
});

test("a promotion that a roll-back ended is not told by the next process, though this actuator is not told of roll-backs", async () => {
  const first = stage([hook("a", { actions: ["promote"] })]);
  first.actuators.run(actuation("promote"));
  await turn();
  first.actuators.run(actuation("roll-back"));
  expect(first.actuators.pending()).toEqual([]);
});

test("whoever hears of results and breaks keeps nobody from being told", async () => {
  const clock = new FakeClock();
  const world = new World();
  world.always = 200;
  const broken = (): never => {
    throw new Error("broken");
  };
  const { actuators } = telling(optionsOf(hook("a"), hook("b")), { clock, ask: world.ask, told: broken, counted: broken, trouble: broken });
  actuators.run(actuation("start"));
  await turn();
  expect(world.told).toEqual(["a start", "b start"]);
});
