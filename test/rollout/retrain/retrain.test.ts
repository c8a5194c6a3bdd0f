/** The room: who decides, what goes out, and that nothing of it is lost over a restart. Targets are real, time is the clock's. */
import { expect, test } from "vitest";
import { FakeClock } from "../../fake-clock.ts";
import { ask } from "../../../agent/forward/ask.ts";
import type { Log } from "../../../agent/log.ts";
import type { RetrainRequest } from "../../../agent/retrain-view.ts";
import { retrainOptions } from "../../../agent/rollout/retrain/options.ts";
import { retrain, type RetrainDeps, type RetrainResult } from "../../../agent/rollout/retrain/retrain.ts";
import { writeWindow, type WriteWindow } from "../../../agent/rollout/retrain/window-file.ts";
import { receiver, until } from "./receiver.ts";
import { tempFolder, windowOf } from "./rows.ts";

const hour = 3_600_000;
const ada = { name: "ada", role: "act" } as const;

function room(options: Readonly<Record<string, unknown>> = {}, { mode = "automatic", saved, clock = new FakeClock(), folder = tempFolder() }: { readonly mode?: ReturnType<RetrainDeps["mode"]>; readonly saved?: unknown; readonly clock?: FakeClock; readonly folder?: string | null } = {}) {
  const kept = windowOf();
  kept.sampled("a", { age: [31] }, { label: [1] });
  const said: { verdict: PromiseWithResolvers<"do" | "do-not">; evidence: string; withdrawn: boolean }[] = [];
  const results: RetrainResult[] = [];
  const history: string[] = [];
  const state = { saved: saved as unknown };
  const lines: string[] = [];
  const line = (fields: object, message: string) => void lines.push(JSON.stringify(fields) + message);
  const log: Log = { debug: line, info: line, warn: line, error: line };
  const made = retrain(retrainOptions.parse({ enabled: true, ...options }), {
    clock, log, ask, folder: folder ?? undefined,
    model: () => "employment",
    mode: () => mode,
    decide({ evidence }) {
      const verdict = Promise.withResolvers<"do" | "do-not">();
      const one = { verdict, evidence, withdrawn: false };
      said.push(one);
      if (mode !== "approve") verdict.resolve(mode === "automatic" ? "do" : "do-not");
      return { verdict: verdict.promise, withdraw: () => (one.withdrawn = true) };
    },
    windowNow: async () => kept.window.now(),
    writeWindow: (asked: WriteWindow) => writeWindow(kept.window, asked, undefined),
    save: (next) => (state.saved = structuredClone(next)),
    saved,
    counted: (result) => results.push(result),
    happened: ({ state: of, who }: RetrainRequest) => history.push(`${of} by ${who}`),
  });
  const stop = made.start();
  const fire = (verdict: "drift" | "stable" = "drift", stream = "features") =>
    made.judgement({ model: "employment", stream, detector: "conformal", verdict, statistic: 9, threshold: 3, culprits: verdict === "drift" ? [{ name: "age", share: 1 }] : [], message: "age moved from 31.5 to 77.25", atWallMs: clock.wallMs() });
  const last = async () => (await made.view()).requests.at(-1);
  const reached = (...states: readonly string[]) => until(() => states.includes(((state.saved ?? { requests: [] }) as { requests: readonly RetrainRequest[] }).requests.at(-1)?.state ?? ""));
  return { made, clock, kept, said, results, history, state, lines, fire, last, reached, stop, folder };
}

test("an alarm that lasts for the dwell sends the window to every target, once", async () => {
  const hook = await receiver();
  const { clock, fire, reached, last, results, history, lines, made } = room({ targets: [{ kind: "webhook", url: hook.url }, { kind: "cloudevent", url: hook.url }] });
  fire();
  await clock.advanceAsync(hour - 1_000);
  expect([(await last())?.state, (await made.view()).waits]).toEqual([undefined, "an alarm fires; it asks if it lasts until 2026-01-01T01:00:00.000Z"]);
  await clock.advanceAsync(2_000);
  await reached("done");
  expect(await last()).toMatchObject({ who: "pilotfish", why: { streams: [{ stream: "features", culprits: ["age"] }] }, window: { rows: 1, actuals: 0 }, deliveries: [{ target: "0 webhook", state: "done" }, { target: "1 cloudevent", state: "done" }] });
  expect(hook.received).toHaveLength(2);
  expect(hook.received.map(({ body }) => (body as { id: string }).id)).toEqual([(await last())?.id, (await last())?.id]);
  await clock.advanceAsync(6 * hour, hour);
  expect([hook.received.length, results, history]).toEqual([2, ["done"], ["asking by pilotfish", "done by pilotfish"]]);
  // What a monitor says for people may name values; a request names columns alone.
  expect(JSON.stringify([hook.received, lines])).not.toMatch(/31\.5|77\.25/);
});

test("notify tells and sends nothing; the pause holds the next telling back", async () => {
  const hook = await receiver();
  const { clock, fire, reached, said, results } = room({ targets: [{ kind: "webhook", url: hook.url }] }, { mode: "notify" });
  fire();
  await clock.advanceAsync(hour + 1_000);
  await reached("notified");
  await clock.advanceAsync(20 * hour, hour);
  expect([said.length, said[0]?.evidence, hook.received.length, results]).toEqual([1, "features has fired for 60 min (conformal), most in age", 0, ["notified"]]);
});

test("a person who is asked may say yes, no, or find the question withdrawn when the alarm is over", async () => {
  const { clock, fire, reached, said, results, last } = room({ pause: "1h", budget: "9 per 7d" }, { mode: "approve" });
  fire();
  await clock.advanceAsync(hour + 1_000);
  expect((await last())?.state).toBe("asking");
  said[0]?.verdict.resolve("do-not");
  await reached("declined");
  await clock.advanceAsync(hour + 1_000);
  said[1]?.verdict.resolve("do");
  await reached("done");
  await clock.advanceAsync(hour + 1_000);
  fire("stable");
  await clock.advanceAsync(2_000);
  await reached("withdrawn");
  expect([said.length, said[2]?.withdrawn, results]).toEqual([3, true, ["declined", "done", "withdrawn"]]);
  said[2]?.verdict.resolve("do");
  await clock.advanceAsync(2_000);
  expect((await last())?.state).toBe("withdrawn");
});

test("a person may ask at any time, whatever mode, dwell and budget say; it counts, and takes the place of an open question", async () => {
  const { clock, fire, reached, made, said, results, last } = room({ pause: "1h" }, { mode: "approve" });
  expect(made.request(ada, "the new tax year")).toMatchObject({ ok: true, request: { who: "ada", why: { reason: "the new tax year", streams: [] }, state: "writing" } });
  await reached("done");
  fire();
  await clock.advanceAsync(3 * hour, hour);
  expect([said.length, results]).toEqual([0, ["done", "held"]]);
  await clock.advanceAsync(7 * 24 * hour, 24 * hour);
  expect((await last())?.state).toBe("asking");
  expect(made.request(ada, undefined)).toMatchObject({ ok: true, request: { why: { streams: [{ stream: "features" }] } } });
  await reached("done");
  expect([said[0]?.withdrawn, results]).toEqual([true, ["done", "held", "withdrawn", "done"]]);
});

test("it waits for as many true answers as are wanted", async () => {
  const { clock, fire, reached, kept, made, said } = room({ actuals: 1 });
  fire();
  await clock.advanceAsync(hour + 1_000);
  await until(() => clock.pending > 0);
  expect([said.length, (await made.view()).waits]).toEqual([0, "an alarm has lasted for long enough; 1 more rows with their true answer are wanted"]);
  kept.actual("a", [1]);
  await clock.advanceAsync(61_000, 1_000);
  await reached("done");
});

test("a window that can not be written goes out without, saying why; so does one that has no place", async () => {
  const hook = await receiver();
  for (const [folder, problem] of [["/proc/windows", "/proc/windows can not be written"], [null, "neither retrain.folder nor store.path is set"]] as const) {
    const { reached, made, results, last } = room({ targets: [{ kind: "webhook", url: hook.url }] }, { folder });
    made.request(ada, undefined);
    await reached("done");
    expect(results).toEqual(["no-window", "done"]);
    expect(await last()).toMatchObject({ window: undefined, problem: expect.stringContaining(problem) as string });
    expect(hook.received.at(-1)?.body).toMatchObject({ window: null, problem: expect.stringContaining(problem) as string });
  }
});

test("a target that refuses is told and not asked again; the others have it", async () => {
  const refusing = await receiver(() => [404, "no such dag"]);
  const hook = await receiver();
  const { reached, made, results, last, clock } = room({ targets: [{ kind: "airflow", url: refusing.url, dag: "train" }, { kind: "webhook", url: hook.url }] });
  made.request(ada, undefined);
  await reached("undelivered");
  await clock.advanceAsync(hour, 60_000);
  expect([refusing.received.length, hook.received.length, results]).toEqual([1, 1, ["undelivered"]]);
  expect((await last())?.deliveries).toEqual([{ target: "0 airflow", state: "refused", attempts: 1, detail: "status 404: no such dag" }, { target: "1 webhook", state: "done", attempts: 1, detail: "status 202" }]);
});

test("a sidecar that is killed in the middle goes on after its start: with the same id, and only to whom it did not reach", async () => {
  const folder = tempFolder();
  const down = await receiver();
  await down.close();
  const hook = await receiver();
  const options = { targets: [{ kind: "webhook", url: hook.url }, { kind: "cloudevent", url: down.url }, { kind: "github", url: down.url, repository: "a/b" }] };
  const before = room(options, { folder });
  before.made.request(ada, "the new tax year");
  await until(() => ((before.state.saved as { requests: readonly RetrainRequest[] }).requests[0]?.deliveries ?? []).filter(({ attempts }) => attempts === 1).length === 3);
  await before.stop();
  const up = await receiver(undefined, down.port);
  // The third target is not in the config any more.
  const after = room({ targets: options.targets.slice(0, 2) }, { folder, saved: before.state.saved });
  await until(() => after.results.length > 0);
  expect(hook.received).toHaveLength(1);
  expect(up.received.map(({ body }) => (body as { id: string }).id)).toEqual(hook.received.map(({ body }) => (body as { id: string }).id));
  expect((await after.last())?.deliveries.map(({ state, attempts }) => [state, attempts])).toEqual([["done", 1], ["done", 2], ["given-up", 1]]);
  expect(after.results).toEqual(["undelivered"]);
});

test("a question that was open at a restart is asked again, and what is not known of an earlier time is passed over", async () => {
  const before = room({}, { mode: "approve" });
  before.fire();
  await before.clock.advanceAsync(hour + 1_000);
  await before.stop();
  const after = room({}, { mode: "approve", saved: before.state.saved, clock: before.clock });
  expect(after.said).toHaveLength(1);
  after.said[0]?.verdict.resolve("do");
  await after.reached("done");
  expect((await room({}, { saved: { version: 7 } }).made.view()).requests).toEqual([]);
});

test("where it is off nothing is kept, asked or begun", async () => {
  const { made, fire, clock, said } = room({ enabled: false });
  fire();
  await clock.advanceAsync(2 * hour, hour);
  expect([said.length, clock.pending, made.request(ada, undefined)]).toEqual([0, 0, { ok: false, detail: "nothing is kept to train on: set retrain.enabled" }]);
  expect(await made.view()).toEqual({ enabled: false, waits: "retrain.enabled is false", window: undefined, requests: [] });
});
