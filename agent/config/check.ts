/**
 * What can only be seen in the world: files that should be there and readable, listeners that would collide, options that
 * contradict each other. Opens nothing but files, changes nothing, and finds every mistake in one go.
 */
import { access, constants, stat } from "node:fs/promises";
import { dirname, resolve } from "node:path";
import { isLoopback } from "../api/access.ts";
import { allTokens, apiOptionsProblem } from "../api/options.ts";
import { readMaterial, type TlsOptions } from "../api/tls.ts";
import { readToken } from "../api/tokens.ts";
import { knownRange } from "../ladder/known-range.ts";
import { ladderMistakes } from "../ladder/mistakes.ts";
import type { RungOptions } from "../ladder/rung-options.ts";
import { readReference } from "../monitors/reference-file.ts";
import { knownAnswer, knownRequest } from "../probes/known-question.ts";
import { isPrimary } from "../rollout/candidate.ts";
import type { ActuatorOptions } from "../rollout/actuators/options.ts";
import { metricMistakes } from "../rollout/mistakes.ts";
import type { Config } from "./config.ts";
import { resolvedRetrain, retrainMistakes } from "./retrain.ts";
import type { Problem } from "./problem.ts";

type Sections = Partial<Config>;

/** Paths in a config are meant from the folder of the config's file. */
export function resolvePaths<Given extends Sections>(config: Given, folder: string): Given {
  const from = <T>(path: T) => (typeof path === "string" ? (resolve(folder, path) as T) : path);
  const { model, ladder, store, api, metrics, references: shelf, probes, monitors, rollout, retrain } = config as Sections;
  const tlsFrom = (tls: TlsOptions | undefined) => (tls === undefined ? {} : { tls: { ...tls, cert: from(tls.cert), key: from(tls.key), ...(tls.clientCa !== undefined && { clientCa: from(tls.clientCa) }) } });
  const resolved: Sections = {
    ...(model && { model: { ...model, reference: from(model.reference) } }),
    ...(ladder && { ladder: ladder.map((rung) => resolvedRung(rung, from)) }),
    ...(monitors?.featuriser && { monitors: { ...monitors, featuriser: { ...monitors.featuriser, model: from(monitors.featuriser.model) } } }),
    ...(retrain && { retrain: resolvedRetrain(retrain, from) }),
    ...(store && { store: { ...store, path: from(store.path) } }),
    ...(api && { api: { ...api, tokenFile: from(api.tokenFile), socket: from(api.socket), tokens: api.tokens.map((token) => ({ ...token, file: from(token.file) })), ...tlsFrom(api.tls) } }),
    ...(metrics && { metrics: { ...metrics, ...tlsFrom(metrics.tls) } }),
    ...(shelf && { references: { ...shelf, folder: from(shelf.folder) } }),
    ...(rollout && {
      rollout: {
        ...rollout,
        ...(rollout.candidate?.onnx !== undefined && { candidate: { ...rollout.candidate, onnx: from(rollout.candidate.onnx) } }),
        actuators: rollout.actuators.map((actuator) => resolvedActuator(actuator, from)),
      },
    }),
    ...(probes?.inference && { probes: { ...probes, inference: { ...probes.inference, request: from(probes.inference.request), expect: from(probes.inference.expect) } } }),
  };
  return { ...config, ...resolved };
}

function resolvedRung(rung: RungOptions, from: <T>(path: T) => T): RungOptions {
  if (rung.kind === "onnx") return { ...rung, model: from(rung.model) };
  return rung.kind === "rules" && typeof rung.rules === "string" ? { ...rung, rules: from(rung.rules) } : rung;
}

function resolvedActuator(actuator: ActuatorOptions, from: <T>(path: T) => T): ActuatorOptions {
  if (actuator.kind === "kserve") return { ...actuator, ...(actuator.tokenFile !== undefined && { tokenFile: from(actuator.tokenFile) }), ...(actuator.caFile !== undefined && { caFile: from(actuator.caFile) }) };
  return "token" in actuator && actuator.token?.file !== undefined ? { ...actuator, token: { ...actuator.token, file: from(actuator.token.file) } } : actuator;
}

/** @param config the sections that could be parsed, with their paths resolved. */
export async function checkWorld(config: Sections): Promise<readonly Problem[]> {
  const read = await Promise.all([references(config), rungs(config), featuriser(config), state(config), secrets(config), knownQuestion(config), metrics(config), candidateFile(config), actuators(config), retrainMistakes(config)]);
  return [...listeners(config), ...strangers(config), ...hedge(config), ...candidate(config), ...read.flat()];
}

/** Settings for rungs that there are not. */
function strangers({ qualification, ladder = [] }: Sections): readonly Problem[] {
  const names = ladder.map(({ name }) => name);
  return Object.keys(qualification?.rungs ?? {})
    .filter((name) => !names.includes(name))
    .map((name) => ({ path: `qualification.rungs.${name}`, message: `there is no rung named "${name}"; there are ${names.join(", ") || "none"}` }));
}

async function references({ model }: Sections): Promise<readonly Problem[]> {
  if (model?.reference === undefined) return [];
  const read = await readReference(model.reference, model.name);
  return read.ok ? [] : [{ path: "model.reference", message: read.message }];
}

async function rungs({ ladder = [], model }: Sections): Promise<readonly Problem[]> {
  const read = model?.reference === undefined ? undefined : await readReference(model.reference, model.name);
  const problems: Problem[] = [...(await ladderMistakes(ladder, read?.ok === true ? knownRange(read.reference).features() : undefined))];
  for (const [index, rung] of ladder.entries()) {
    if (rung.kind === "onnx") problems.push(...(await readable(rung.model, `ladder.${index}.model`, "the ONNX model")));
  }
  return problems;
}

function hedge({ gateway, ladder }: Sections): readonly Problem[] {
  const rung = gateway?.hedge.rung;
  if (rung === undefined || ladder === undefined || ladder.some(({ name }) => name === rung)) return [];
  return [{ path: "gateway.hedge.rung", message: `there is no rung named "${rung}" in the ladder` }];
}

/** A candidate that is the primary itself. */
function candidate({ rollout, server, model }: Sections): readonly Problem[] {
  const tried = rollout?.candidate;
  if (tried === undefined || server === undefined || !isPrimary(tried, { model: model?.name ?? "", url: server.url, version: undefined, versions: [] })) return [];
  return [{ path: "rollout.candidate", message: "it is equal to the primary: give another url, or a version of this server" }];
}

async function candidateFile({ rollout }: Sections): Promise<readonly Problem[]> {
  return rollout?.candidate?.onnx === undefined ? [] : readable(rollout.candidate.onnx, "rollout.candidate.onnx", "the ONNX model");
}

async function metrics({ rollout }: Sections): Promise<readonly Problem[]> {
  return (await metricMistakes(rollout?.judge.metrics ?? [])).map(({ path, message }) => ({ path: `rollout.judge.metrics.${path}`, message }));
}

async function featuriser({ monitors }: Sections): Promise<readonly Problem[]> {
  return monitors?.featuriser === undefined ? [] : readable(monitors.featuriser.model, "monitors.featuriser.model", "the ONNX model");
}

async function knownQuestion({ probes }: Sections): Promise<readonly Problem[]> {
  if (probes?.inference === undefined) return [];
  const { request, expect } = probes.inference;
  return [...(await mistakeOf(() => knownRequest(request))), ...(await mistakeOf(() => knownAnswer(expect)))];
}

/** The error of a reader that says `path: message`. */
async function mistakeOf(read: () => unknown): Promise<readonly Problem[]> {
  try {
    await read();
    return [];
  } catch (error) {
    const [path = "", ...message] = (error instanceof Error ? error.message : String(error)).split(": ");
    return [{ path, message: message.join(": ") }];
  }
}

async function actuators({ rollout }: Sections): Promise<readonly Problem[]> {
  const files = (rollout?.actuators ?? []).flatMap((actuator, index): [file: string | undefined, path: string, what: string][] => {
    const at = `rollout.actuators.${index}`;
    if (actuator.kind === "kserve") return [[actuator.tokenFile, `${at}.tokenFile`, "the token"], [actuator.caFile, `${at}.caFile`, "the file of certificates"]];
    return "token" in actuator ? [[actuator.token?.file, `${at}.token.file`, "the token"]] : [];
  });
  return (await Promise.all(files.map(([file, path, what]) => (file === undefined ? Promise.resolve([]) : readable(file, path, what))))).flat();
}

function listeners({ gateway, api, metrics, server }: Sections): readonly Problem[] {
  const problems: Problem[] = [];
  const taken = Object.entries({ gateway, api, metrics }).flatMap(([name, listener]) => (listener === undefined ? [] : [{ path: `${name}.port`, host: listener.host, port: listener.port }]));
  for (const [index, { path, port, host }] of taken.entries()) {
    const other = taken.slice(0, index).find((before) => port !== 0 && before.port === port && overlap(before.host, host));
    if (other !== undefined) problems.push({ path, message: `port ${port} is taken by ${other.path} already` });
  }
  if (server !== undefined && gateway !== undefined) {
    const { hostname, port, protocol } = new URL(server.url);
    const here = hostname === gateway.host || (isLoopback(hostname) && (isLoopback(gateway.host) || everywhere.has(gateway.host)));
    if (here && Number(port || (protocol === "https:" ? 443 : 80)) === gateway.port) {
      problems.push({ path: "gateway.port", message: `the gateway would forward to itself: server.url names port ${gateway.port} too` });
    }
  }
  const off = api && apiOptionsProblem(api);
  if (off !== undefined) problems.push({ path: "api.host", message: off });
  return problems;
}

const everywhere = new Set(["0.0.0.0", "::", ""]);

function overlap(a: string, b: string): boolean {
  return a === b || everywhere.has(a) || everywhere.has(b);
}

/** The store makes its folder; what must be there is a folder above it that can be written. */
async function state({ store }: Sections): Promise<readonly Problem[]> {
  if (store?.path === undefined) return [];
  let folder = dirname(store.path);
  for (;;) {
    try {
      if (!(await stat(folder)).isDirectory()) return [{ path: "store.path", message: `${folder} is no folder; give another path` }];
      await access(folder, constants.W_OK | constants.X_OK);
      return [];
    } catch (error) {
      if (!["ENOENT", "ENOTDIR"].includes(codeOf(error)) || folder === dirname(folder)) {
        return [{ path: "store.path", message: `the folder ${folder} can not be written: ${whyUnreadable(error)}; give another path` }];
      }
      folder = dirname(folder);
    }
  }
}

async function secrets({ api, metrics }: Sections): Promise<readonly Problem[]> {
  const tokens = api === undefined ? [] : allTokens(api).map(({ option, file }) => mistakeOf(() => readToken(option, file)));
  const certificates = Object.entries({ api, metrics }).map(([name, section]) => (section?.tls === undefined ? [] : mistakeOf(() => readMaterial(name, section.tls as TlsOptions))));
  return (await Promise.all([...tokens, ...certificates])).flat();
}

async function readable(file: string, path: string, what: string): Promise<readonly Problem[]> {
  try {
    await access(file, constants.R_OK);
    return (await stat(file)).isFile() ? [] : [{ path, message: `${file} is no file; ${what} is expected there` }];
  } catch (error) {
    return [{ path, message: `${what} ${file} can not be read: ${whyUnreadable(error)}` }];
  }
}

const codes: Readonly<Record<string, string>> = {
  EACCES: "no permission",
  EISDIR: "it is a folder",
  ENOENT: "there is no such file",
  ENOTDIR: "a part of its path is no folder",
  EROFS: "the file system is read-only",
};

/** Words for the code of a file system's error. */
export function whyUnreadable(error: unknown): string {
  return codes[codeOf(error)] ?? codeOf(error);
}

function codeOf(error: unknown): string {
  return error instanceof Error && "code" in error ? String(error.code) : String(error);
}
