/** From text to options: what stands where, which settings win, and that whatever the text, the answer is a value. */
import * as fc from "fast-check";
import { expect, test } from "vitest";
import { checkWorld, resolvePaths } from "../../agent/config/check.ts";
import { configFor, configSchema, parseConfig, type Config, type Parsed } from "../../agent/config/config.ts";
import { problemLine } from "../../agent/config/problem.ts";

const minimal = "server:\n  url: http://127.0.0.1:8080\n";

function good(text: string, settings: readonly string[] = []): Config {
  const parsed = parseConfig(text, settings);
  if (!parsed.ok) throw new Error(lines(parsed).join("\n"));
  return parsed.config;
}

function lines(parsed: Parsed): readonly string[] {
  return parsed.ok ? [] : parsed.problems.map((problem) => problemLine("c.yaml", problem));
}

// ---- what is read ----

test("a URL is enough: every section is there at its default", () => {
  const config = good(minimal);
  expect(Object.keys(config).sort()).toEqual(Object.keys(configSchema.shape).sort());
  expect(config).toMatchObject({ server: { url: "http://127.0.0.1:8080" }, gateway: { host: "0.0.0.0", port: 9080 }, api: { host: "127.0.0.1", port: 9081 }, metrics: { port: 9464 }, ladder: [] });
  expect(configFor("http://127.0.0.1:8080")).toMatchObject({ ok: true, config });
});

test("durations, sizes and budgets are written with their units and read as milliseconds, bytes and rates", () => {
  const config = good(`${minimal}gateway: { timeout: 1.5m, drain: 2h, bodyMax: 1.5KiB, holdMax: 12 B }\nmonitors: { falseAlarms: 2 per 7d }`);
  expect(config.gateway).toMatchObject({ timeout: 90_000, drain: 7_200_000, bodyMax: 1_536, holdMax: 12 });
  expect(config.monitors.falseAlarms).toEqual({ alarms: 2, perMs: 604_800_000 });
  expect(good(`${minimal}monitors: { falseAlarms: 1 per 1e6 samples }`).monitors.falseAlarms).toEqual({ alarms: 1, perSamples: 1_000_000 });
});

test("JSON is read as well, and YAML's anchors are followed", () => {
  expect(good('{"server": {"url": "http://127.0.0.1:8080"}, "gateway": {"timeout": "3s"}}').gateway.timeout).toBe(3_000);
  expect(good(`${minimal}probes: { http: { timeout: &short 500ms } }\ncollectors: { server: { timeout: *short } }`).collectors.server.timeout).toBe(500);
});

test("rungs keep their order and have the name of their kind unless they are given one", () => {
  const config = good(`${minimal}ladder: [{ kind: onnx, model: small.onnx }, { kind: default, outputs: { label: 0 } }, { kind: default, name: last, outputs: { label: 1 } }]`);
  expect(config.ladder.map(({ name, kind }) => [name, kind])).toEqual([["onnx", "onnx"], ["default", "default"], ["last", "default"]]);
});

// ---- settings ----

test("a setting wins over the text, and the last one over those before it", () => {
  const config = good(`${minimal}gateway: { port: 9000, timeout: 3s }`, ["gateway.port=9001", "gateway.port=0", "server.url=http://127.0.0.1:1"]);
  expect(config.gateway).toMatchObject({ port: 0, timeout: 3_000 });
  expect(config.server.url).toBe("http://127.0.0.1:1");
});

test("a setting may begin a section, a list, or a whole config", () => {
  const config = good("", ["server.url=http://127.0.0.1:8080", "otlp.traces=false", "alertmanager.urls=[http://127.0.0.1:9093]", "ladder.0.kind=default", "ladder.0.outputs={label: 1}", "monitors.score=a=b"]);
  expect(config.otlp.traces).toBe(false);
  expect(config.alertmanager.urls).toEqual(["http://127.0.0.1:9093"]);
  expect(config.ladder).toEqual([{ kind: "default", name: "default", outputs: { label: 1 } }]);
  expect(config.monitors.score).toBe("a=b");
});

test("a setting that can not be read is named, and the text's own mistakes beside it", () => {
  expect(lines(parseConfig(`${minimal}gateway: { port: x }`, ["gateway", "=1", "api..port=1", "server.url.x=1", "log.level=[", "api.port=0"]))).toEqual([
    "c.yaml gateway: expected path=value, such as gateway.port=0",
    "c.yaml =1: expected path=value, such as gateway.port=0",
    "c.yaml api..port=1: expected path=value, such as gateway.port=0",
    "c.yaml server.url.x: there is a plain value on the way to this path",
    "c.yaml log.level: no valid value: [",
    'c.yaml:3:12 gateway.port: expected a number, got "x"',
  ]);
});

test("what a setting did is not blamed on a line of the file", () => {
  expect(lines(parseConfig(`${minimal}gateway:\n  port: 9000\n`, ["gateway.port=ninety", "gateway.timout=1s"]))).toEqual([
    'c.yaml gateway.port: expected a number, got "ninety" (given by --set)',
    'c.yaml gateway.timout: there is no such option; did you mean "timeout"? (given by --set)',
  ]);
});

// ---- mistakes ----

test("a problem is told as file, line, column, path and what to do, as far as they are known", () => {
  expect(problemLine("c.yaml", { path: "a.b", line: 3, column: 5, message: "expected so" })).toBe("c.yaml:3:5 a.b: expected so");
  expect(problemLine("c.yaml", { path: "a.b", message: "expected so" })).toBe("c.yaml a.b: expected so");
  expect(problemLine("c.yaml", { path: "", message: "no valid YAML" })).toBe("c.yaml no valid YAML");
});

test("what is missing is placed at the nearest thing around it", () => {
  expect(lines(parseConfig(`${minimal}ladder:\n  - kind: default\n    outputs: { label: 0 }\n  - name: second\n    kind: onnx\n`))).toEqual(["c.yaml:6:5 ladder.1.model: expected the path of an ONNX model"]);
});

test("a mistake that is only found in the world is placed as well", () => {
  const parsed = parseConfig(`${minimal}model:\n  name: m\n  reference: gone.json\n`);
  expect(parsed.place({ path: "model.reference", message: "gone" })).toEqual({ path: "model.reference", message: "gone", line: 5, column: 3 });
  expect(parsed.place({ path: "gateway.port", message: "taken" })).toEqual({ path: "gateway.port", message: "taken" });
});

test("the sections without a mistake are handed on", () => {
  const parsed = parseConfig("server: {}\ngateway: { port: 9000 }\nladder: [{ kind: magic }]\n");
  expect(parsed.ok).toBe(false);
  expect(parsed.config).toMatchObject({ gateway: { port: 9000 }, metrics: { port: 9464 } });
  expect(Object.keys(parsed.config)).not.toEqual(expect.arrayContaining(["server"]));
  expect(Object.keys(parsed.config)).not.toEqual(expect.arrayContaining(["ladder"]));
});

test("text that slipped into the wrong place is not printed: it may be a secret", () => {
  const text = lines(parseConfig(`${minimal}otlp: http://me:hunter2@collector\nalertmanager: { urls: hunter2, labels: [hunter2] }\napi: hunter2`)).join("\n");
  expect(text).toContain("c.yaml:3:1 otlp: expected a map of options, got text");
  expect(text).not.toContain("hunter2");
});

test("a near name is suggested whatever its case, a far one is not", () => {
  const said = (option: string) => lines(parseConfig(`${minimal}gateway: { ${option}: 1 }`)).join();
  expect(said("TIMEOUT")).toContain('did you mean "timeout"?');
  expect(said("tiemout")).toContain('did you mean "timeout"?');
  expect(said("x")).toContain("known: host, port, timeout");
});

test("text beyond a mebibyte, and aliases that would grow beyond all bounds, are refused", () => {
  expect(lines(parseConfig(`${minimal}#${"x".repeat(1_048_576)}`))).toEqual(["c.yaml the config is larger than 1 MiB"]);
  const laughs = ["a: &a [x, x, x, x, x, x, x, x, x]", ..."bcdefgh".split("").map((name, i) => `${name}: &${name} [${Array(9).fill(`*${"abcdefg"[i]}`).join(", ")}]`)];
  expect(lines(parseConfig(laughs.join("\n"))).join()).toMatch(/^c\.yaml no valid YAML: .*alias/);
});

test("a tag that nobody resolves is a mistake, not a text", () => {
  expect(lines(parseConfig("server: { url: !env SERVER }"))).toEqual(["c.yaml:1:16 no valid YAML: Unresolved tag: !env"]);
});

test("whatever the text, the answer is a config or at least one problem", () => {
  const answers = (text: string, settings: readonly string[]) => {
    const parsed = parseConfig(text, settings);
    return parsed.ok || (parsed.problems.length > 0 && parsed.problems.every(({ message }) => message.length > 0));
  };
  const option = fc.constantFrom(...Object.keys(configSchema.shape));
  fc.assert(fc.property(fc.string(), fc.array(fc.string(), { maxLength: 2 }), answers), { numRuns: 200 });
  fc.assert(fc.property(fc.dictionary(option, fc.jsonValue()), (value) => answers(JSON.stringify(value), [])), { numRuns: 200 });
});

// ---- the world ----

test("paths are meant from the config's folder; absolute ones and what stands in the config itself stay", () => {
  const config = good(`${minimal}model: { reference: r.json }
ladder: [{ kind: onnx, model: ../small.onnx }, { kind: default, outputs: { label: 0 } }]
store: { path: /var/lib/state.db }
api: { tokenFile: token }
probes: { inference: { request: { inputs: [] }, expect: answer.json } }`);
  expect(resolvePaths(config, "/etc/pilotfish")).toMatchObject({
    model: { reference: "/etc/pilotfish/r.json" },
    ladder: [{ model: "/etc/small.onnx" }, { kind: "default" }],
    store: { path: "/var/lib/state.db" },
    api: { tokenFile: "/etc/pilotfish/token" },
    probes: { inference: { request: { inputs: [] }, expect: "/etc/pilotfish/answer.json" } },
  });
  expect(resolvePaths(good(minimal), "/etc")).toEqual(good(minimal));
  expect(resolvePaths({}, "/etc")).toEqual({});
});

test.for<readonly [text: string, problems: readonly string[]]>([
  ["gateway: { port: 0 }\napi: { port: 0 }\nmetrics: { port: 0 }", []],
  ["gateway: { host: 127.0.0.1, port: 9000 }\nmetrics: { host: 127.0.0.2, port: 9000 }", []],
  ["gateway: { port: 9000 }\nmetrics: { host: 127.0.0.2, port: 9000 }", ["metrics.port"]],
  ["gateway: { host: '::', port: 9000 }\nmetrics: { host: 127.0.0.2, port: 9000 }", ["metrics.port"]],
  ["gateway: { port: 8080 }", ["gateway.port"]],
  ["gateway: { host: 10.0.0.5, port: 8080 }", []],
  ["gateway: { host: 127.0.0.1, port: 8080 }", ["gateway.port"]],
  ["api: { host: '::1' }", []],
])("listeners that would collide are found, others are let be: %s", async ([text, problems]) => {
  expect((await checkWorld(good(minimal + text))).map(({ path }) => path)).toEqual(problems);
});

test.for([
  ["https://localhost", 443],
  ["http://127.0.0.1", 80],
  ["http://10.0.0.5:8080", 8080],
] as const)("the gateway before itself is found at %s", async ([url, port]) => {
  const config = good(minimal, [`server.url=${url}`, `gateway.port=${port}`, `gateway.host=${url.includes("10.") ? "10.0.0.5" : "0.0.0.0"}`]);
  expect(await checkWorld(config)).toMatchObject([{ path: "gateway.port" }]);
  expect(await checkWorld({ ...config, server: { ...config.server, url: "http://10.0.0.6:8080" } })).toEqual([]);
});

test("where sections are missing, since they have mistakes, the world is asked about the others", async () => {
  expect(await checkWorld({})).toEqual([]);
  expect(await checkWorld({ ladder: [{ kind: "default", name: "none", outputs: {} }] })).toMatchObject([{ path: "ladder.0.name" }]);
});
