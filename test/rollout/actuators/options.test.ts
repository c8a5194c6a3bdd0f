/** What a config may say of actuators: defaults per kind, and each mistake in words that help and give nothing away. */
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { checkWorld, resolvePaths } from "../../../agent/config/check.ts";
import { parseConfig, type Config } from "../../../agent/config/config.ts";

const parse = (...actuators: readonly unknown[]) => parseConfig(JSON.stringify({ server: { url: "http://127.0.0.1:8080" }, rollout: { actuators } }));

function good(...actuators: readonly unknown[]): Config {
  const parsed = parse(...actuators);
  if (!parsed.ok) throw new Error(JSON.stringify(parsed.problems));
  return parsed.config;
}

function problems(...actuators: readonly unknown[]): readonly string[] {
  const parsed = parse(...actuators);
  return parsed.ok ? [] : parsed.problems.map(({ path, message }) => `${path}: ${message}`);
}

test("without a word of it the followers of the signals are told", () => {
  const parsed = parseConfig("server: { url: http://127.0.0.1:8080 }");
  expect(parsed.config.rollout?.actuators.map(({ kind }) => kind)).toEqual(["directive"]);
  expect(good().rollout.actuators).toEqual([]);
});

test("each kind heeds what makes sense for it, unless it is told otherwise", () => {
  const { actuators } = good({ kind: "gateway" }, { kind: "directive" }, { kind: "repository" }, { kind: "webhook", url: "http://a" }, { kind: "cloudevent", url: "http://a" }, { kind: "kserve", inferenceService: "a" }, { kind: "webhook", name: "page", url: "http://a", actions: ["roll-back"] }).rollout;
  const heeded = actuators.map((one) => ("actions" in one ? [one.name, one.actions.join(" ")] : [one.kind]));
  expect(heeded).toEqual([
    ["gateway"],
    ["directive", "start weight promote roll-back"],
    ["repository", "start promote roll-back"],
    ["webhook", "start weight promote roll-back"],
    ["cloudevent", "start weight promote roll-back"],
    ["kserve", "start weight promote roll-back"],
    ["page", "roll-back"],
  ]);
});

test.each<[string, readonly unknown[], RegExp]>([
  ["two of a name", [{ kind: "webhook", url: "http://a" }, { kind: "webhook", url: "http://b" }], /^rollout\.actuators\.1\.name: there is an actuator named "webhook" already/],
  ["the gateway's name", [{ kind: "webhook", name: "gateway", url: "http://a" }], /^rollout\.actuators\.0\.name: .*"gateway" already/],
  ["no action", [{ kind: "repository", actions: [] }], /^rollout\.actuators\.0\.actions/],
  ["an action that there is not", [{ kind: "repository", actions: ["dance"] }], /^rollout\.actuators\.0\.actions\.0/],
  ["a kind that there is not", [{ kind: "smoke-signal" }], /^rollout\.actuators\.0\.kind/],
  ["no URL", [{ kind: "webhook" }], /^rollout\.actuators\.0\.url/],
  ["another scheme", [{ kind: "webhook", url: "ftp://a" }], /^rollout\.actuators\.0\.url: expected a URL/],
  ["a header of ours", [{ kind: "webhook", url: "http://a", headers: { "content-length": "3" } }], /set by Pilotfish/],
  ["an attribute of CloudEvents among the headers", [{ kind: "cloudevent", url: "http://a", headers: { "ce-type": "x" } }], /set by Pilotfish/],
  ["a header with a line break", [{ kind: "webhook", url: "http://a", headers: { "x-a": "b\r\nc: d" } }], /ASCII/],
  ["a token from two places", [{ kind: "webhook", url: "http://a", token: { file: "a", variable: "B" } }], /either a file or a variable/],
  ["a token from nowhere", [{ kind: "webhook", url: "http://a", token: {} }], /either a file or a variable/],
  ["a name that Kubernetes would not take", [{ kind: "kserve", inferenceService: "../secrets/x" }], /^rollout\.actuators\.0\.inferenceService/],
  ["a time without a unit", [{ kind: "webhook", url: "http://a", timeout: 5 }], /^rollout\.actuators\.0\.timeout/],
])("%s is a mistake", (_story, actuators, message) => {
  expect(problems(...actuators).join("\n")).toMatch(message);
});

test("a password in a URL is refused, and not printed", () => {
  const said = problems({ kind: "webhook", url: "http://me:hunter2@hooks.example/" }, { kind: "kserve", inferenceService: "a", url: "https://me:hunter2@k8s" }).join("\n");
  expect(said).toMatch(/rollout\.actuators\.0\.url: expected no user or password[\s\S]*rollout\.actuators\.1\.url: expected no user or password/);
  expect(said).not.toContain("hunter2");
});

test("files are meant from the config's folder, and missed before anything starts", async () => {
  const folder = await mkdtemp(join(tmpdir(), "pilotfish-actuators-"));
  onTestFinished(() => rm(folder, { recursive: true, force: true }));
  await writeFile(join(folder, "there"), "token");
  const config = resolvePaths(good({ kind: "webhook", url: "http://a", token: { file: "there" } }, { kind: "kserve", inferenceService: "a", tokenFile: "gone", caFile: "there" }, { kind: "repository", token: { file: "gone" } }), folder);
  expect((await checkWorld(config)).map(({ path, message }) => `${path}: ${message}`)).toEqual([
    `rollout.actuators.1.tokenFile: the token ${join(folder, "gone")} can not be read: there is no such file`,
    `rollout.actuators.2.token.file: the token ${join(folder, "gone")} can not be read: there is no such file`,
  ]);
});
