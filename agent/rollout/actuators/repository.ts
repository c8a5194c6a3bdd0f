/**
 * Has the model server load and serve the version that is to serve, by its repository API, and take a candidate that was rolled back
 * out of memory. What a server says it did is looked at: does the version answer, does it serve, is the other one gone?
 *
 * Nothing is unloaded before the version to go back to answers by its name, and never by a command that takes the whole model: a
 * roll-back that fails here leaves the server as it was, while the gateway keeps the traffic off the candidate.
 */
import type { Clock } from "../../clock.ts";
import type { Ask, Asked } from "../../forward/ask.ts";
import { atPort, under } from "../../forward/under.ts";
import type { Protocol, ServerCommand } from "../../protocols/protocol.ts";
import type { Used } from "../seat.ts";
import type { Actuation, Actuator, Attempted } from "./actuation.ts";
import { dialect, dialectOf, type Dialect } from "./dialects.ts";
import type { RepositoryOptions } from "./options.ts";
import { readSecret, secretField, type Environment } from "./secret.ts";

export interface RepositoryDeps {
  readonly clock: Clock;
  readonly ask: Ask;
  readonly environment: Environment;
  /** What the primary speaks, and where it is: a reload may change both. */
  readonly protocol: () => Protocol;
  readonly server: () => URL;
}

export function repository(options: RepositoryOptions, deps: RepositoryDeps): Actuator {
  return {
    async attempt(actuation, deadlineMs, signal) {
      const speaks = deps.protocol();
      if (speaks.paths.load === undefined) return skipped(`${speaks.name} has no way to load a model over HTTP`);
      if (isElsewhere(actuation, deps.server())) return skipped("the candidate is not on the primary's server, which keeps what it has");
      const opened = await open(options, speaks, actuation.model, deps, deadlineMs, signal);
      return opened.ok ? change(actuation, opened.by, options.unload) : opened.failed;
    },
  };
}

/**
 * Has a version loaded beside the one that serves, before anything is dealt to it. What the server says that it loaded is not
 * believed: the version has to be ready under its own name. Never rejects.
 *
 * @returns undefined where the server's protocol knows no such thing.
 */
export function loadVersion(options: Pick<RepositoryOptions, "versions" | "token">, model: string, version: string, timeoutMs: number, deps: RepositoryDeps): Promise<Used> | undefined {
  const speaks = deps.protocol();
  if (speaks.paths.load === undefined) return undefined;
  return open(options, speaks, model, deps, deps.clock.monotonicMs() + timeoutMs)
    .then((opened) => (opened.ok ? ready(version, opened.by) : opened.failed))
    .then(({ result, detail }) => (result === "done" ? { ok: true } : { ok: false, detail: `the server did not load version ${version}: ${detail}` }));
}

type Opened = { readonly ok: true; readonly by: Dialect } | { readonly ok: false; readonly failed: Attempted };

async function open({ versions, token: from }: Pick<RepositoryOptions, "versions" | "token">, speaks: Protocol, model: string, { clock, ask, environment, server }: RepositoryDeps, deadlineMs: number, signal?: AbortSignal): Promise<Opened> {
  let headers: Readonly<Record<string, string>> = {};
  if (from !== undefined) {
    const token = await readSecret(from, environment);
    if (!token.ok) return { ok: false, failed: failed(token.detail, true) };
    headers = secretField(from.header, token.value);
  }
  const at = atPort(server(), speaks.paths.managementPort);
  const askServer = ({ method, path, body }: ServerCommand): Promise<Asked> =>
    ask(clock, {
      url: under(at, path),
      method,
      headers: { ...headers, ...(body !== undefined && { "content-type": "application/json" }) },
      ...(body !== undefined && { body }),
      timeoutMs: Math.max(1, deadlineMs - clock.monotonicMs()),
      ...(signal !== undefined && { signal }),
    });
  const name = versions === "auto" ? await dialectOf(speaks, askServer) : { ok: true as const, is: versions };
  return name.ok ? { ok: true, by: dialect(name.is, speaks, model, askServer) } : { ok: false, failed: failed(name.detail, name.again) };
}

/** @returns whether what is tried is a server or a file of its own. */
function isElsewhere({ candidate }: Actuation, server: URL): boolean {
  return candidate.onnx !== undefined || (candidate.url !== undefined && URL.parse(candidate.url)?.href !== server.href);
}

function change(actuation: Actuation, by: Dialect, unload: boolean): Promise<Attempted> {
  const candidate = actuation.candidateVersion ?? actuation.candidate.version;
  const before = actuation.primaryVersion;
  switch (actuation.action) {
    case "start":
    case "weight":
      return candidate === undefined ? unknown("the candidate") : ready(candidate, by);
    case "promote":
      return candidate === undefined ? unknown("the candidate") : serve(candidate, undefined, before, by);
    case "roll-back":
      if (before === undefined) return unknown("the version to go back to");
      return serve(before, unload && candidate !== before ? candidate : undefined, undefined, by);
  }
}

function unknown(which: string): Promise<Attempted> {
  return Promise.resolve(skipped(`it is not known which version ${which} is`));
}

/** There, and answering nobody who does not name it. */
async function ready(version: string, by: Dialect): Promise<Attempted> {
  const there = await by.isReady(version);
  if (!there.ok) return failed(there.detail, there.again);
  if (there.is) return done(`version ${version} is loaded`);
  if (!by.keepsServing) return skipped(`version ${version} is not loaded, and this server would let the newest that is loaded serve everybody`);
  const brought = await by.bring(version, false, undefined);
  if (!brought.ok) return failed(brought.detail, brought.again);
  return (await is(by.isReady(version))) ? done(`version ${version} is loaded`) : failed(`version ${version} was loaded and is not ready`, true);
}

/** @param gone is taken away. @param keep stays. */
async function serve(version: string, gone: string | undefined, keep: string | undefined, by: Dialect): Promise<Attempted> {
  const settled = by.name === "none" && (await is(by.isReady(version))) && (gone === undefined || !(await is(by.isReady(gone))));
  if (!settled) {
    const brought = await by.bring(version, true, keep);
    if (!brought.ok) return failed(brought.detail, brought.again);
  }
  const there = await by.isReady(version);
  if (!there.ok) return failed(there.detail, there.again);
  if (!there.is) return failed(`version ${version} was loaded and is not ready`, true);

  if (gone !== undefined && by.unload !== undefined && (await is(by.isReady(gone)))) {
    const unloaded = await by.unload(gone);
    if (!unloaded.ok) return unconfirmed(`version ${version} is loaded, and version ${gone} could not be unloaded: ${unloaded.detail}`, true);
    if (!(await is(by.isReady(version)))) {
      // It took more than it was told to.
      await by.bring(version, true, keep);
      return failed(`the server took version ${version} away with version ${gone}; it was told to load it again`, true);
    }
  }
  return seen(version, gone, by);
}

/** What can be seen of it from outside. */
async function seen(version: string, gone: string | undefined, by: Dialect): Promise<Attempted> {
  const serving = await by.serves();
  if (serving !== undefined && serving !== version) return unconfirmed(`version ${version} is loaded, and version ${serving} still serves`, true);
  if (gone !== undefined && (await is(by.isReady(gone)))) {
    return by.name === "none"
      ? unconfirmed(`versions ${version} and ${gone} are both loaded, and this server can not be told which one is to serve: take version ${gone} out of its folder of models`, false)
      : unconfirmed(`version ${version} is loaded, and version ${gone} is still there`, true);
  }
  if (serving === version) return done(`version ${version} serves`);
  return by.name === "none" && gone === undefined
    ? unconfirmed(`version ${version} is loaded, and this server does not tell which one serves`, false)
    : done(`version ${version} is loaded, and the server took the order to serve it${gone === undefined ? "" : `; version ${gone} is gone`}`);
}

async function is(told: ReturnType<Dialect["isReady"]>): Promise<boolean> {
  const answer = await told;
  return answer.ok && answer.is;
}

const done = (detail: string): Attempted => ({ result: "done", detail });
const skipped = (detail: string): Attempted => ({ result: "skipped", detail });
const failed = (detail: string, again: boolean): Attempted => ({ result: "failed", detail, again });
const unconfirmed = (detail: string, again: boolean): Attempted => ({ result: "unconfirmed", detail, again });
