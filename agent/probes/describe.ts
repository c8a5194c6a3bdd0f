/**
 * Asks the server what its model looks like: inputs, outputs, versions. It asks from the start until it has an answer, ever
 * more slowly, and again when told to, such as when another version begins to answer.
 *
 * Without a name in the config it asks the server for its models and takes the only one there is; a server with several, or
 * one that lists none, leaves the name to be learnt from traffic.
 */
import type { Cancel, Clock } from "../clock.ts";
import type { ask, Asked } from "../forward/ask.ts";
import { atPort, under } from "../forward/under.ts";
import type { Close } from "../lifecycle.ts";
import type { Log } from "../log.ts";
import type { ModelDescription, Protocol, ServerCommand } from "../protocols/protocol.ts";

export interface DescriberOptions {
  readonly server: URL;
  readonly protocol: Protocol;
  /** As configured; undefined to find it. */
  readonly model: string | undefined;
  readonly timeoutMs: number;
}

export interface DescriberDeps {
  readonly clock: Clock;
  readonly log: Log;
  readonly ask: typeof ask;
  /** Handed each description that differs from the one before. */
  readonly described: (description: ModelDescription) => void;
  /** Handed each description, after that, whether it differs or not. */
  readonly told?: (description: ModelDescription) => void;
}

export interface Describer {
  /** The last one; undefined while there is none. */
  description(): ModelDescription | undefined;
  /** Asks again: at once, or once more after a question that is on its way. */
  refresh(): void;
  /** A name seen in traffic. Counts only where none is configured, the server does not say, and no model was described yet. */
  setModel(name: string): void;
  start(): Close;
}

const firstRetryMs = 500;
const lastRetryMs = 30_000;

export function describer({ server, protocol, model, timeoutMs }: DescriberOptions, { clock, log, ask, described, told }: DescriberDeps): Describer {
  const closing = new AbortController();
  let started = false;
  let learnt: string | undefined;
  let description: ModelDescription | undefined;
  let asking = false;
  let again = false;
  let failures = 0;
  let cancelRetry: Cancel | undefined;

  const management = atPort(server, protocol.paths.managementPort);
  const question = ({ path, method, body }: ServerCommand): Promise<Asked> =>
    ask(clock, { url: under(management, path), method, timeoutMs, signal: closing.signal, ...(body === undefined ? {} : { body, headers: { "content-type": "application/json" } }) });

  const findName = async (): Promise<string | undefined> => {
    for (const list of protocol.paths.models ?? []) {
      const names = modelNames(jsonOf(await question(list)));
      if (names.size === 1) return [...names][0];
      if (names.size > 1) log.debug({ models: names.size }, "the server has several models; the one to watch is learnt from traffic");
    }
    return undefined;
  };

  const find = async (): Promise<ModelDescription | undefined> => {
    const name = model ?? description?.name ?? (await findName()) ?? learnt;
    return name === undefined ? undefined : protocol.describe(jsonOf(await question({ method: "GET", path: protocol.paths.model(name) })), name);
  };

  const turn = async (): Promise<void> => {
    asking = true;
    again = false;
    const found = await find();
    asking = false;
    if (closing.signal.aborted) return;
    if (found !== undefined && JSON.stringify(found) !== JSON.stringify(description)) {
      description = found;
      log.info({ model: found.name, versions: found.versions, inputs: found.inputs.length, outputs: found.outputs.length }, "the server described its model");
      described(found);
    }
    if (found !== undefined) told?.(found);
    failures = found === undefined ? failures + 1 : 0;
    if (again) void turn();
    else if (found === undefined) retry();
  };

  const retry = (): void => {
    const delayMs = Math.min(lastRetryMs, firstRetryMs * 2 ** Math.min(failures - 1, 10));
    cancelRetry = clock.after(delayMs * (0.75 + 0.5 * clock.random()), () => void turn());
  };

  const refresh = (): void => {
    if (!started || closing.signal.aborted) return;
    if (asking) {
      again = true;
      return;
    }
    cancelRetry?.();
    failures = 0;
    void turn();
  };

  return {
    description: () => description,
    refresh,
    setModel(name) {
      if (model !== undefined || description !== undefined || name === learnt) return;
      learnt = name;
      refresh();
    },
    start() {
      started = true;
      void turn();
      return () => {
        cancelRetry?.();
        closing.abort();
      };
    },
  };
}

function jsonOf(asked: Asked): unknown {
  if (!asked.ok || asked.status !== 200) return undefined;
  try {
    return JSON.parse(asked.body.toString("utf8"));
  } catch {
    return undefined;
  }
}

/** Of a list of names or of objects that bear one; or of such a list under `models` (KServe, TorchServe) or `data` (OpenAI). */
function modelNames(json: unknown): ReadonlySet<string> {
  const { models, data } = (typeof json === "object" && json !== null ? json : {}) as { readonly models?: unknown; readonly data?: unknown };
  const list: unknown = Array.isArray(json) ? json : (models ?? data);
  if (!Array.isArray(list)) return new Set();
  const names = (list as unknown[]).map((entry) => {
    if (typeof entry !== "object" || entry === null) return entry;
    const { name, modelName, id } = entry as Readonly<Record<string, unknown>>;
    return name ?? modelName ?? id;
  });
  return new Set(names.filter((name) => typeof name === "string"));
}
