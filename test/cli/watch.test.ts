/** `pilotfish watch` and `signals`: the screen as lines, the terminal as it is left, and both before a running agent. */
import { stripVTControlCharacters } from "node:util";
import { expect, onTestFinished, test } from "vitest";
import { startAgent } from "../../agent/agent.ts";
import { inlineAnalysis } from "../../agent/analysis-inline.ts";
import { paintFor, type Paint } from "../../agent/cli/paint.ts";
import { signalLine } from "../../agent/cli/signals.ts";
import { stateShown } from "../../agent/cli/state.ts";
import { figuresOf, totalsIn } from "../../agent/cli/watch/figures.ts";
import { screen, type View } from "../../agent/cli/watch/screen.ts";
import { openTerminal } from "../../agent/cli/watch/terminal.ts";
import { systemClock, wait } from "../../agent/clock.ts";
import { silent } from "../../agent/log.ts";
import { bodyOf, httpServer, post } from "../gateway/stage.ts";
import { storyConfig } from "../story/config.ts";
import { call } from "./call.ts";

const plain: Paint = (_, text) => text;
const atMs = Date.UTC(2026, 0, 1);
const state = stateShown.parse({
  version: "0.1.0", model: { name: "employment", version: "2" }, server: { url: "http://127.0.0.1:8080" },
  status: "isolated", rung: "small", reason: "override", since: "2025-12-31T23:56:00.000Z",
  cause: { detector: "operator", code: "pin", evidence: "ada pinned small: nonsense \u001b[2J" },
  override: { action: "pin", rung: "small", owner: "ada", reason: "nonsense", until: "2026-01-01T01:05:00.000Z" },
  ladder: [{ name: "small", kind: "onnx", price: { standing: "qualified", message: "", seconds: { median: 0.0042 } } }, { name: "default", kind: "default" }],
  probes: { http: { verdict: "pass", detail: "" }, progress: { verdict: "fail", detail: "" } },
  drift: [{ stream: "features", message: "RELP moved" }],
  evidence: { log10: 4.2, threshold: 3.1, features: {} },
});
const view: View = {
  at: "http://127.0.0.1:9081", state, lost: undefined, nowWallMs: atMs, events: ["00:00:01  transition  healthy -> isolated"],
  figures: { perSecond: 212.4, median: 0.005, p99: 0.25, rungs: [["small", 0.9], ["primary", 0.1]] },
};

test("the whole screen", () => {
  expect(screen(view, { columns: 100, rows: 40 }, plain)).toEqual([
    "pilotfish http://127.0.0.1:9081",
    "",
    "employment version 2 at http://127.0.0.1:8080: isolated for 4 min",
    "answers come from small (override)",
    "because ada pinned small: nonsense  [2J",
    "override: pin of small by ada, ends in 1 h 5 min",
    "",
    "traffic   212 inferences/s   half within 5 ms, 99 % within 250 ms",
    "",
    "  primary         ██··················  10 %  ",
    "▶ small           ██████████████████··  90 %  qualified, 4.2 ms",
    "  default         ····················   0 %  ",
    "",
    "probes    http pass   progress fail   ",
    "drift     evidence 4.2 of 3.1 (log10)",
    "          features: RELP moved",
    "",
    "last events",
    "00:00:01  transition  healthy -> isolated",
  ]);
});

test.for([[100, 40], [40, 12], [20, 5], [1, 1], [200, 0]] as const)("a terminal of %i columns and %i rows holds it, colours or not", ([columns, rows]) => {
  const coloured = screen(view, { columns, rows }, paintFor({ interactive: true, env: {} }));
  const bare = screen(view, { columns, rows }, plain);
  expect(bare.length).toBeLessThanOrEqual(rows);
  expect(Math.max(0, ...bare.map((line) => line.length))).toBeLessThanOrEqual(columns);
  expect(coloured.map((line) => stripVTControlCharacters(line))).toEqual(bare);
});

test("colours only on a terminal, and not where somebody asked for none", () => {
  expect(paintFor({ interactive: true, env: {} })("red", "x")).toBe("\u001b[31mx\u001b[0m");
  expect([paintFor({ interactive: false, env: {} }), paintFor({ interactive: true, env: { NO_COLOR: "1" } }), paintFor({ interactive: true, env: { TERM: "dumb" } })].map((paint) => paint("red", "x"))).toEqual(["x", "x", "x"]);
});

test("the terminal is drawn over in one write, not at all where nothing changed, and left as it was", () => {
  const written: string[] = [];
  const terminal = openTerminal({ out: (text) => void written.push(text) });
  terminal.draw(["a", "b"]);
  terminal.draw(["a", "b"]);
  terminal.leave();
  expect(written).toEqual(["\u001b[?1049h\u001b[?25l", "\u001b[?2026h\u001b[Ha\u001b[K\r\nb\u001b[K\u001b[J\u001b[?2026l", "\u001b[?25h\u001b[?1049l"]);
});

test("figures are what came between two scrapes; a process that began anew counts from nothing", () => {
  const page = (fast: number, slow: number) => `# TYPE pilotfish_gateway_request_duration_seconds histogram
pilotfish_gateway_request_duration_seconds_bucket{rung="primary",le="0.005"} ${fast}
pilotfish_gateway_request_duration_seconds_bucket{rung="primary",le="0.5"} ${fast + slow}
pilotfish_gateway_request_duration_seconds_bucket{rung="primary",le="+Inf"} ${fast + slow}
pilotfish_gateway_request_duration_seconds_sum{rung="primary"} 1
pilotfish_gateway_request_duration_seconds_count{rung="primary"} ${fast + slow}
`;
  const at = (fast: number, slow: number, ms: number) => totalsIn(page(fast, slow), ms) as NonNullable<ReturnType<typeof totalsIn>>;
  expect(figuresOf(at(1_000, 0, 0), at(1_090, 10, 2_000))).toEqual({ perSecond: 50, median: 0.005, p99: 0.5, rungs: [["primary", 1]] });
  expect(figuresOf(at(1_000, 0, 0), at(10, 0, 1_000))).toMatchObject({ perSecond: 10, median: 0.005 });
  expect(figuresOf(at(5, 0, 0), at(5, 0, 1_000))).toEqual({ perSecond: 0, median: undefined, p99: undefined, rungs: [] });
  expect(totalsIn("no metrics at all {", 0)).toBeUndefined();
});

const answer = '{"model_name":"m","model_version":"1","outputs":[{"name":"y","datatype":"FP32","shape":[1],"data":[0.25]}]}';
const metadata = '{"name":"m","versions":["1"],"inputs":[{"name":"x","datatype":"FP32","shape":[-1,1]}],"outputs":[{"name":"y","datatype":"FP32","shape":[-1]}]}';

/** An agent that serves, and a command that runs beside it until it is told to stop. */
async function beside(argv: readonly string[], interactive: boolean) {
  const url = await httpServer((request, response) => {
    void bodyOf(request).then(() => response.end(request.method === "POST" ? answer : metadata), () => {});
  });
  const config = storyConfig(url.origin, "m", "ladder: [{ kind: default, outputs: { y: 1 } }]");
  const agent = await startAgent({ ...config, gateway: { ...config.gateway, linger: 0 } }, { clock: systemClock, log: silent, version: "test", analysis: inlineAnalysis });
  onTestFinished(async () => void (await agent.close()));
  const api = `http://127.0.0.1:${agent.listeners.api.port}`;
  await post(new URL(`http://127.0.0.1:${agent.listeners.gateway.port}`), '{"inputs":[{"name":"x","datatype":"FP32","shape":[1,1],"data":[1]}]}', {}, "/v2/models/m/infer");
  const written: string[] = [];
  const ended = Promise.withResolvers<void>();
  let resized = (): void => {};
  const size = { columns: 80, rows: 24 };
  const running = call([...argv, "--api", api], import.meta.dirname, "", {
    interactive, size: () => size, out: (text) => void written.push(text),
    onResize(run) {
      resized = run;
      return () => {};
    },
    onSignal: (signal, run) => void (signal === "SIGINT" && ended.promise.then(run)),
  });
  const until = async (isSo: () => boolean) => {
    const endMs = systemClock.monotonicMs() + 20_000;
    while (!isSo()) {
      if (systemClock.monotonicMs() > endMs) throw new Error(`it did not come to that:\n${written.join("")}`);
      await wait(systemClock, 10);
    }
  };
  return { api, written, until, running, size, resize: () => resized(), text: () => written.join(""), stop: () => ended.resolve() };
}

test("signals: what is so, then what changes, until Ctrl-C", async () => {
  const { api, text, until, running, stop } = await beside(["signals"], false);
  await until(() => /state {7}healthy, primary answers \(normal\)/.test(text()));
  await call(["pin", "default", "--reason", "a story", "--api", api]);
  await until(() => /\d\d:\d\d:\d\d {2}transition {2}healthy -> isolated, default answers \(override\): local pinned default until .*: a story/.test(text()));
  stop();
  expect(await running).toMatchObject({ code: 0, err: "" });
});

test("a line for a rollout, for a verdict and for another version, in words", () => {
  const ts = "2026-01-01T14:03:07.000Z";
  const lines = [
    signalLine({ kind: "rollout", ts, body: { candidate: "version 2", phase: "trying", reason: "step", step: 2, steps: 4, weight: 0.125, message: "nothing speaks against it" } }, plain),
    signalLine({ kind: "judge", ts, body: { experiment: "r1", verdict: "continue", n: 40, message: "too early" } }, plain),
    signalLine({ kind: "version", ts, body: { to: { version: "2" }, message: "version 2\u001b[2J serves" } }, plain),
  ];
  expect(lines.slice(0, 2)).toEqual([
    "14:03:07  rollout     version 2 trying (step), step 2 of 4, 12.5 %: nothing speaks against it",
    "14:03:07  judge       r1: continue after 40: too early",
  ]);
  expect(lines[2]).toContain("version     version 2");
  expect(lines[2]).not.toContain("\u001b");
});

test("signals --json: a frame a line", async () => {
  const { written, until, running, stop } = await beside(["signals", "--json"], false);
  await until(() => written.some((line) => line.includes('"kind":"heartbeat"')));
  stop();
  await running;
  expect(new Set(written.map((line) => (JSON.parse(line) as { kind: string }).kind))).toContain("state");
});

test("watch on a terminal: redrawn as things change and as the terminal does, and the terminal is left as it was", async () => {
  const { api, written, until, running, stop, size, resize, text } = await beside(["watch"], true);
  await until(() => /state {7}healthy, primary answers/.test(text()));
  await call(["pin", "default", "--reason", "a story", "--api", api]);
  await until(() => text().includes("isolated") && /transition {2}healthy -> isolated/.test(written.at(-1) ?? ""));
  const before = written.length;
  Object.assign(size, { columns: 30, rows: 6 });
  resize();
  expect(written).toHaveLength(before + 1);
  expect((written.at(-1) ?? "").split("\r\n")).toHaveLength(6);
  stop();
  expect((await running).code).toBe(0);
  expect(written[0]).toBe("\u001b[?1049h\u001b[?25l");
  expect(written.at(-1)).toBe("\u001b[?25h\u001b[?1049l");
});

test("watch elsewhere: a line for each change and nothing that a terminal would obey", async () => {
  const { api, written, until, running, stop } = await beside(["watch"], false);
  await until(() => written.length === 1);
  await call(["pin", "default", "--reason", "a story", "--api", api]);
  await until(() => written.length === 2);
  stop();
  await running;
  expect(written[1]).toMatch(/^\d{4}-.*Z {2}isolated, default answers \(override\): local pinned default/);
  expect(written.join("")).not.toContain("\u001b");
});
