/** What a config may not say of training anew, each mistake with its path. */
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { checkWorld, resolvePaths } from "../../../agent/config/check.ts";
import { parseConfig } from "../../../agent/config/config.ts";
import { tempFolder } from "./rows.ts";

function mistakes(retrain: string): readonly string[] {
  const parsed = parseConfig(`server: { url: "http://127.0.0.1:8080" }\nretrain: ${retrain}`);
  return parsed.ok ? [] : parsed.problems.map(({ path }) => path);
}

test("what can not be meant is refused where it stands", () => {
  expect(mistakes("{ redact: { hash: [name] } }")).toEqual(["retrain.redact.keyFile"]);
  expect(mistakes("{ redact: { keep: [name], drop: [name] } }")).toEqual(["retrain.redact"]);
  expect(mistakes("{ redact: { round: { age: 0 } } }")).toEqual(["retrain.redact.round.age"]);
  expect(mistakes("{ streams: [latency] }")).toEqual(["retrain.streams.0"]);
  expect(mistakes("{ budget: rarely }")).toEqual(["retrain.budget"]);
  expect(mistakes('{ targets: [{ kind: argo-workflows, url: "http://a", namespace: "..", template: t }] }')).toEqual(["retrain.targets.0.namespace"]);
  expect(mistakes('{ targets: [{ kind: github, repository: "../.." }] }')).toEqual(["retrain.targets.0.repository"]);
  expect(mistakes('{ targets: [{ kind: webhook, url: "ftp://a" }] }')).toEqual(["retrain.targets.0.url"]);
  expect(mistakes('{ enabled: true, targets: [{ kind: github, repository: "team/.github" }] }')).toEqual([]);
});

test("check finds files that are missing and a window without a place; paths are meant from the config's folder", async () => {
  const folder = tempFolder();
  writeFileSync(join(folder, "key"), "0123456789abcdef");
  const parsed = parseConfig(`server: { url: "http://127.0.0.1:8080" }\nretrain: { enabled: true, redact: { hash: [a], keyFile: key }, targets: [{ kind: webhook, url: "http://a", tokenFile: none }] }`);
  if (!parsed.ok) throw new Error(JSON.stringify(parsed.problems));
  expect(await checkWorld(resolvePaths(parsed.config, folder))).toEqual([
    { path: "retrain.targets.0.tokenFile", message: expect.stringContaining(join(folder, "none")) as string },
    { path: "retrain.folder", message: "there is no place for windows: set retrain.folder or store.path" },
  ]);
  expect(await checkWorld(resolvePaths({ ...parsed.config, retrain: { ...parsed.config.retrain, enabled: false } }, folder))).toEqual([]);
});
