/**
 * What can only be seen in the world: files that should be there and readable, listeners that would collide, options that
 * contradict each other. Opens nothing but files, changes nothing, and finds every mistake in one go.
 */
import { access, constants, stat } from "node:fs/promises";
import { dirname, isAbsolute, resolve } from "node:path";
import { isLoopback } from "../api/access.ts";
import { apiOptionsProblem } from "../api/api.ts";
import { readReference } from "../monitors/reference-file.ts";
import { knownAnswer, knownRequest } from "../probes/known-question.ts";
import type { Config } from "./config.ts";
import type { Problem } from "./problem.ts";

/** Paths in a config are meant from the folder of the config's file. */
export function resolvePaths(config: Config, folder: string): Config {
  const from = (path: string) => (isAbsolute(path) ? path : resolve(folder, path));
  const fromFile = <T>(value: T | string) => (typeof value === "string" ? from(value) : value);
  return {
    ...config,
    model: { ...config.model, ...(config.model.reference === undefined ? {} : { reference: from(config.model.reference) }) },
    ladder: config.ladder.map((rung) => (rung.kind === "onnx" ? { ...rung, model: from(rung.model) } : rung)),
    store: { ...config.store, ...(config.store.path === undefined ? {} : { path: from(config.store.path) }) },
    api: { ...config.api, ...(config.api.tokenFile === undefined ? {} : { tokenFile: from(config.api.tokenFile) }) },
    probes: {
      ...config.probes,
      ...(config.probes.inference === undefined ? {} : { inference: { ...config.probes.inference, request: fromFile(config.probes.inference.request), expect: fromFile(config.probes.inference.expect) } }),
    },
  };
}

/** @param config with its paths resolved. */
export async function checkWorld(config: Config): Promise<readonly Problem[]> {
  return (await Promise.all([references(config), rungs(config), listeners(config), state(config), token(config), knownQuestion(config)])).flat();
}

async function references({ model }: Config): Promise<readonly Problem[]> {
  if (model.reference === undefined) return [];
  const read = await readReference(model.reference, model.name);
  return read.ok ? [] : [{ path: "model.reference", message: read.message }];
}

async function rungs({ ladder }: Config): Promise<readonly Problem[]> {
  const problems: Problem[] = [];
  const names = new Set<string>();
  for (const [index, rung] of ladder.entries()) {
    const name = rung.name ?? rung.kind;
    if (names.has(name)) problems.push({ path: `ladder.${index}.name`, message: `a rung named "${name}" comes before; give each its own name` });
    if (name === "primary" || name === "none") problems.push({ path: `ladder.${index}.name`, message: `"${name}" has a meaning of its own; choose another name` });
    names.add(name);
    if (rung.kind === "onnx") problems.push(...(await readable(rung.model, `ladder.${index}.model`, "the ONNX model")));
  }
  return problems;
}

function knownQuestion({ probes: { inference } }: Config): readonly Problem[] {
  if (inference === undefined) return [];
  return [...mistakeOf(() => knownRequest(inference.request)), ...mistakeOf(() => knownAnswer(inference.expect))];
}

/** The error of a reader that says `path: message`. */
function mistakeOf(read: () => unknown): readonly Problem[] {
  try {
    read();
    return [];
  } catch (error) {
    const [path = "", ...message] = (error instanceof Error ? error.message : String(error)).split(": ");
    return [{ path, message: message.join(": ") }];
  }
}

function listeners({ gateway, api, metrics, server }: Config): readonly Problem[] {
  const problems: Problem[] = [];
  const taken = [
    { path: "gateway.port", ...gateway },
    { path: "api.port", ...api },
    { path: "metrics.port", ...metrics },
  ];
  for (const [index, { path, port, host }] of taken.entries()) {
    const other = taken.slice(0, index).find((before) => port !== 0 && before.port === port && overlap(before.host, host));
    if (other !== undefined) problems.push({ path, message: `port ${port} is taken by ${other.path} already` });
  }
  const { hostname, port } = new URL(server.url);
  if (isLoopback(hostname) && Number(port || 80) === gateway.port) {
    problems.push({ path: "gateway.port", message: `the gateway would forward to itself: server.url names port ${gateway.port} too` });
  }
  const off = apiOptionsProblem(api);
  if (off !== undefined) problems.push({ path: "api", message: off });
  return problems;
}

const everywhere = new Set(["0.0.0.0", "::", ""]);

function overlap(a: string, b: string): boolean {
  return a === b || everywhere.has(a) || everywhere.has(b);
}

/** The store makes its folder; what must be there is a folder above it that can be written. */
async function state({ store }: Config): Promise<readonly Problem[]> {
  if (store.path === undefined) return [];
  let folder = dirname(store.path);
  for (;;) {
    try {
      await access(folder, constants.W_OK | constants.X_OK);
      return (await stat(folder)).isDirectory() ? [] : [{ path: "store.path", message: `${folder} is no folder` }];
    } catch (error) {
      if (codeOf(error) !== "ENOENT" || folder === dirname(folder)) {
        return [{ path: "store.path", message: `the folder ${folder} can not be written (${codeOf(error)}); give another path` }];
      }
      folder = dirname(folder);
    }
  }
}

async function token({ api }: Config): Promise<readonly Problem[]> {
  return api.tokenFile === undefined ? [] : readable(api.tokenFile, "api.tokenFile", "the file with the API's token");
}

async function readable(file: string, path: string, what: string): Promise<readonly Problem[]> {
  try {
    await access(file, constants.R_OK);
    return (await stat(file)).isFile() ? [] : [{ path, message: `${file} is no file; ${what} is expected there` }];
  } catch (error) {
    return [{ path, message: `${what} can not be read: ${file} (${codeOf(error)})` }];
  }
}

function codeOf(error: unknown): string {
  return error instanceof Error && "code" in error ? String(error.code) : String(error);
}
