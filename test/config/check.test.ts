/**
 * Broken configs, one file for each rule, and what a person is told of them: every mistake in one run, each with its line,
 * its column, its path and what to do. The real command in a process of its own.
 */
import { execFile } from "node:child_process";
import { mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { afterAll, expect, test } from "vitest";
import { call } from "../cli/call.ts";

const root = resolve(import.meta.dirname, "../..");
const broken = join(import.meta.dirname, "broken");

/** Where it stands, which option, and a part of what is said of it. */
type Mistake = readonly [place: string, path: string, says: string];

/** Mistakes of the whole file have no path; what is missing from the file has no place. */
const none = "";

const expected: Readonly<Record<string, readonly Mistake[]>> = {
  "unknown-option.yaml": [
    ["3:3", "server.protcol", 'there is no such option; did you mean "protocol"?'],
    ["4:1", "gatewy", 'did you mean "gateway"?'],
    ["6:1", "speed", "there is no such option; known: server, model, gateway, ladder"],
  ],
  "unknown-nested-option.yaml": [
    ["4:25", "gateway.sample.bodymax", 'did you mean "bodyMax"?'],
    ["7:5", "monitors.actuals.windows", 'did you mean "window"?'],
    ["11:5", "ladder.0.timeout", "there is no such option; known: kind, name, outputs, version"],
  ],
  "wrong-type.yaml": [
    ["1:1", "server", "expected a map of options, got text"],
    ["3:3", "gateway.port", 'expected a number, got "9000"'],
    ["4:3", "gateway.active", "expected a whole number, got 1.5"],
    ["5:1", "ladder", "expected a list, got a map"],
    ["7:1", "store", "has no value: expected a map of options, or leave it out"],
    ["9:3", "monitors.prediction", "expected text, got a number: put it in quotes"],
    ["11:3", "otlp.traces", "expected true or false"],
    ["13:5", "otlp.headers.authorization", "expected text, got a number: put it in quotes"],
    ["15:3", "log.level", 'expected "debug", "info", "warn" or "error", got "trace"'],
  ],
  "out-of-bounds.yaml": [
    ["4:3", "gateway.port", "expected at most 65535, got 70000"],
    ["5:3", "gateway.reserve", "expected at most 1, got 1.5"],
    ["7:3", "failover.failures", "expected at least 1, got 0"],
    ["9:15", "probes.progress.factor", "expected at least 1, got 0.5"],
    ["10:1", "signals.lease", "at least three times signals.heartbeat"],
    ["13:3", "monitors.features", "must not be empty"],
  ],
  "duration-without-unit.yaml": [
    ["4:3", "gateway.timeout", 'with its unit (ms, s, m, h or d), such as "500ms" or "5s", got 5'],
    ["6:3", "failover.dwell", 'got "2000"'],
  ],
  "bad-unit.yaml": [
    ["4:3", "gateway.timeout", 'expected a duration of at least 1ms with its unit (ms, s, m, h or d), such as "500ms" or "5s", got "5sec"'],
    ["5:3", "gateway.bodyMax", 'expected a size with its unit (B, KiB, MiB or GiB), such as "64KiB", got "16MB"'],
    ["6:3", "gateway.holdMax", "expected a size with its unit (B, KiB, MiB or GiB), such as \"64KiB\", got 65536"],
    ["8:11", "probes.http.interval", "at least 100ms"],
    ["10:3", "alertmanager.resend", "at least 1000ms"],
  ],
  "bad-budget.yaml": [["4:3", "monitors.falseAlarms", 'such as "1 per 30d" or "1 per 1e6 samples" (at least 100 samples an alarm), got "1 in 30d"']],
  "budget-of-nothing.yaml": [["4:3", "monitors.falseAlarms", 'got "1 per 50 samples"']],
  "rollout-steps.yaml": [
    ["5:7", "rollout.steps.0.weight", 'step 1: 1000 % is more than all of the traffic: expected at most 1, which is 100 %; "10%" is a percentage'],
    ["7:7", "rollout.steps.2.weight", "step 3: 150 % is more than all of the traffic: expected at most 1, which is 100 %"],
    ["8:7", "rollout.steps.3.weight", "step 4: expected more than 0, got 0"],
    ["9:9", "rollout.steps.4.weight", "step 5: expected more than the 25 % of step 2, got 20 %"],
    ["9:22", "rollout.steps.4.timeBox", "step 5: the time box must not be shorter than the hold"],
  ],
  "rollout-weight-of-words.yaml": [["5:9", "rollout.steps.0.weight", 'expected a share of the traffic such as 0.1 or "10%", got "a tenth"']],
  "rollout-without-steps.yaml": [["4:3", "rollout.steps", "must not be empty"]],
  "rollout-key-of-both.yaml": [["4:3", "rollout.key", "expected a header or a cookie, got both"]],
  "rollout-shadow.yaml": [
    ["5:5", "rollout.shadow.ratio", "expected at most 1, got 10"],
    ["6:5", "rollout.shadow.atOnce", "expected at least 1, got 0"],
  ],
  "rollout-shadow-time-box.yaml": [["4:24", "rollout.shadow.timeBox", "the time box must not be shorter than the hold"]],
  "rollout-of-nobody.yaml": [["4:3", "rollout.candidate", "expected a candidate: its url, its version, or an onnx file"]],
  "rollout-of-two.yaml": [["4:3", "rollout.candidate", "expected one candidate: an onnx file has no url"]],
  "rollout-of-no-url.yaml": [["4:3", "rollout.candidate", "url: expected a model server's URL"]],
  "rollout-of-the-primary.yaml": [["4:3", "rollout.candidate", "it is equal to the primary"]],
  "rollout-of-no-file.yaml": [["4:16", "rollout.candidate.onnx", `the ONNX model ${broken}/nowhere.onnx can not be read`]],
  "no-server.yaml": [[none, "server", 'is missing: expected at least its URL, such as "server: {url: http://127.0.0.1:8080}"']],
  "no-server-url.yaml": [["1:1", "server.url", 'expected the model server\'s URL, such as "http://127.0.0.1:8080"']],
  "no-url.yaml": [
    ["2:3", "server.url", "expected the model server's URL"],
    ["4:13", "collectors.server.metrics", "expected the URL of the server's metrics"],
    ["4:32", "collectors.server.pid", 'expected the number of a process, or "auto"'],
    ["6:3", "otlp.endpoint", "expected the URL of an OTLP endpoint"],
    ["8:10", "alertmanager.urls.0", "expected a URL"],
    ["8:24", "alertmanager.urls.1", "expected a URL"],
    ["9:13", "alertmanager.labels.team-name", "expected a label name: letters, digits and underscores"],
  ],
  "unknown-rung.yaml": [
    ["4:5", "ladder.0.kind", 'got "onxx"'],
    ["6:5", "ladder.1.kind", 'is missing: expected "replica"'],
    ["7:5", "ladder.2", "expected a map of options, got text"],
  ],
  "onnx-without-model.yaml": [
    ["4:5", "ladder.0.model", "expected the path of an ONNX model"],
    ["6:5", "ladder.1.outputs", "expected each output's name with its value"],
  ],
  "bad-rung.yaml": [
    ["5:5", "ladder.0.name", "expected 1 to 63 letters, digits, _ . or -"],
    ["6:5", "ladder.0.version", "expected 1 to 128 visible ASCII characters"],
    ["7:16", "ladder.0.outputs.label", "must not be empty"],
    ["7:27", "ladder.0.outputs.score", "expected a value, or a list of values"],
  ],
  "bad-rules.yaml": [
    ["7:9", "ladder.0.rules.1.when", "expected a condition, such as AGE < 18"],
    ["7:36", "ladder.0.rules.1.outputs.label", "expected a value, {cel: expression}, or a list of these"],
    ["7:10", "ladder.0.rules.1.wen", 'there is no such option; did you mean "when"?'],
    ["10:5", "ladder.1.rules", "expected a list of rules, or the path of a file with them"],
    ["13:5", "ladder.2.rules", "must not be empty"],
  ],
  "qualification-of-nobody.yaml": [["9:5", "qualification.rungs.small", 'there is no rung named "small"; there are default']],
  "rung-names.yaml": [
    ["6:5", "ladder.1.name", 'a rung before it is named "default" too'],
    ["9:5", "ladder.2.name", '"primary" has a meaning of its own'],
  ],
  "missing-files.yaml": [
    ["4:3", "model.reference", `there is no reference ${broken}/nowhere/reference.json`],
    ["7:5", "ladder.0.model", `the ONNX model ${broken}/nowhere.onnx can not be read: there is no such file`],
    ["10:5", "ladder.1.model", `${broken} is no file; the ONNX model is expected there`],
    ["13:5", "probes.inference.request", `${broken}/nowhere.json can not be read: ENOENT`],
    ["14:5", "probes.inference.expect", `${broken}/not-json.txt is no JSON`],
    ["16:3", "api.tokenFile", "ENOENT"],
    ["18:3", "store.path", `${broken}/not-json.txt is no folder; give another path`],
  ],
  "reference-of-another-model.yaml": [
    ["5:3", "model.reference", 'was made for the model "cats", not for "employment"; give the reference of "employment", or correct model.name'],
  ],
  "reference-no-json.yaml": [["4:3", "model.reference", `the reference ${broken}/not-json.txt is no JSON`]],
  "reference-no-reference.yaml": [["4:3", "model.reference", `the reference ${broken}/known-answer.json can not be used`]],
  "one-port-twice.yaml": [
    ["6:3", "api.port", "port 9000 is taken by gateway.port already"],
    ["9:3", "metrics.port", "port 9000 is taken by gateway.port already"],
  ],
  "forwards-to-itself.yaml": [[none, "gateway.port", "the gateway would forward to itself: server.url names port 9080 too"]],
  "open-api.yaml": [["4:3", "api.host", "set api.tokenFile, or leave api.host at 127.0.0.1"]],
  "tab.yaml": [["2:1", none, "no valid YAML: Tabs are not allowed as indentation"]],
  "duplicate-key.yaml": [
    ["5:3", none, "no valid YAML: this name stands in the same map for the second time"],
    ["6:1", none, "no valid YAML: this name stands in the same map for the second time"],
  ],
  "unclosed.yaml": [["2:1", none, "no valid YAML: "]],
  "two-documents.yaml": [["3:1", none, 'no valid YAML: a second document begins here; remove the "---" or what follows it']],
  "empty.yaml": [[none, "server", "is missing"]],
  "list.yaml": [[none, none, "expected a map of options, got a list"]],
  // Mistakes of every kind, in the text and in the world: none hides another.
  "everywhere.yaml": [
    ["3:3", "server.protocol", 'got "grpc"'],
    ["6:3", "model.reference", 'was made for the model "cats", not for "employment"'],
    ["8:3", "gateway.timeout", "got 5"],
    ["9:3", "gateway.conections", 'did you mean "connections"?'],
    ["12:5", "ladder.0.model", `the ONNX model ${broken}/nowhere.onnx can not be read`],
    ["14:3", "probes.inference.expect", "expected the path of a JSON file"],
    ["17:3", "failover.onDrift", 'expected "page" or "failover", got "panic"'],
    ["19:3", "monitors.falseAlarms", 'got "never"'],
    ["21:3", "store.path", "is no folder"],
    ["23:3", "api.host", "is not loopback"],
    ["25:3", "metrics.port", "port 9081 is taken by api.port already"],
    ["26:1", "log", "expected a map of options, got text"],
  ],
};

interface Ran {
  readonly code: number | string | null | undefined;
  readonly stdout: string;
  readonly stderr: string;
}

// What the first process compiles the others need not: half of the time of each.
const cache = mkdtempSync(join(tmpdir(), "pilotfish-compiled-"));
afterAll(() => rmSync(cache, { recursive: true, force: true }));
const env = { ...process.env, NODE_COMPILE_CACHE: cache };

function pilotfish(argv: readonly string[]): Promise<Ran> {
  return new Promise((done) => {
    execFile(process.execPath, [join(root, "agent/main.ts"), ...argv], { cwd: root, env }, (error, stdout, stderr) => done({ code: error === null ? 0 : error.code, stdout, stderr }));
  });
}

/** A printed line back in its parts. */
function mistakeIn(line: string, file: string): Mistake {
  expect(line.startsWith(file), line).toBe(true);
  const [, place = none, path = none, says = none] = /^(?::(\d+:\d+))? (?:(\S+): )?(.*)$/.exec(line.slice(file.length)) ?? [];
  return [place, path, says];
}

function expectMistakes(found: readonly Mistake[], wanted: readonly Mistake[]): void {
  expect(found.map(([place, path]) => [place, path])).toEqual(wanted.map(([place, path]) => [place, path]));
  for (const [index, [, , says]] of wanted.entries()) expect(found[index]?.[2]).toContain(says);
}

test("every broken config has its expectation, and the other way round", () => {
  expect(Object.keys(expected).sort()).toEqual(readdirSync(broken).filter((name) => name.endsWith(".yaml")).sort());
});

test.concurrent.for(Object.entries(expected))("check names every mistake of %s in one run", async ([name, mistakes]) => {
  const file = join("test/config/broken", name);
  const { code, stdout, stderr } = await pilotfish(["check", file]);
  const lines = stderr.trimEnd().split("\n");
  expect(lines.pop()).toBe(mistakes.length === 1 ? "1 mistake" : `${mistakes.length} mistakes`);
  expectMistakes(lines.map((line) => mistakeIn(line, file)), mistakes);
  expect({ code, stdout }).toEqual({ code: 2, stdout: "" });
});

test.for(Object.entries(expected))("with --json the mistakes of %s are for programs", async ([name, mistakes]) => {
  const { code, out, err } = await call(["check", "--config", name, "--json"], broken);
  const { ok, problems } = JSON.parse(out) as { ok: boolean; problems: { path: string; message: string; line?: number; column?: number }[] };
  expectMistakes(problems.map(({ path, message, line, column }) => [line === undefined ? none : `${line}:${column}`, path, message]), mistakes);
  expect({ ok, code, err }).toEqual({ ok: false, code: 2, err: "" });
});

test("a good config is good, and as JSON too", async () => {
  const file = "examples/employment/pilotfish.yaml";
  expect(await pilotfish(["check", file])).toEqual({ code: 0, stdout: `${file}: good\n`, stderr: "" });
  const { code, stdout } = await pilotfish(["check", file, "--json"]);
  expect([code, JSON.parse(stdout)]).toEqual([0, { ok: true, problems: [] }]);
});

test("a config that is not there, is a folder or is no text is said to be so", async () => {
  expect((await call(["check", "nowhere.yaml"])).err).toBe("nowhere.yaml the config can not be read: there is no such file\n1 mistake\n");
  expect((await call(["check", "broken"], import.meta.dirname)).err).toBe("broken the config can not be read: it is a folder\n1 mistake\n");
  const model = await call(["check", "examples/employment/fallback.onnx"], root);
  expect(model.code).toBe(2);
  expect(model.err).toMatch(/^examples\/employment\/fallback\.onnx:\d+:\d+ no valid YAML: /);
  expect(model.err.length).toBeLessThan(10_000);
});

test("files are meant from the config's folder, wherever the command is called", async () => {
  const { code, err } = await call(["check", join(root, "examples/employment/pilotfish.yaml")], "/");
  expect({ code, err }).toEqual({ code: 0, err: "" });
});
