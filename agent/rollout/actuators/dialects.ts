/**
 * How model servers are told which version to load and to serve, and what they say of it. All have a way to load a model, few one
 * for a version of it, and each another:
 *
 * | dialect | servers | a version is brought by | and taken away by |
 * |---|---|---|---|
 * | parameters | such as examples/server | `version` and `serve` among a load's parameters | `version` among an unload's |
 * | config | Triton, in its mode `explicit` | a load with the model's own config and another version policy | the same load |
 * | workers | TorchServe | workers for it, and `set-default` | no workers |
 * | none | MLServer, KServe's | a load of whatever is on the disk; the newest serves | nothing: an unload takes all of the model |
 *
 * Sources: Triton's docs/protocol/extension_model_repository.md and docs/user_guide/model_configuration.md (version policy: the
 * highest number serves whoever names none); pytorch/serve, docs/management_api.md; MLServer 1.7, handlers/model_repository.py.
 */
import type { Asked } from "../../forward/ask.ts";
import type { Protocol, ServerCommand } from "../../protocols/protocol.ts";
import { said, whyNot } from "./answer.ts";

export type DialectName = "parameters" | "config" | "workers" | "none";

/** Asks the server; bodies are JSON. */
export type AskServer = (command: ServerCommand) => Promise<Asked>;

/** Whether it could be asked, and what it said. `again`: it may say something else later. */
export type Told<T> = { readonly ok: true; readonly is: T } | { readonly ok: false; readonly detail: string; readonly again: boolean };

export interface Dialect {
  readonly name: DialectName;
  /** Does a version that names itself answer? */
  isReady(version: string): Promise<Told<boolean>>;
  /** Has it loaded where it is not, and with `serve` makes it answer whoever names none. `keep`: a version that must stay. */
  bring(version: string, serve: boolean, keep: string | undefined): Promise<Told<true>>;
  /** Takes a version away and leaves the others. Absent where that can not be had. */
  readonly unload?: (version: string) => Promise<Told<true>>;
  /** Which version answers whoever names none; undefined where it is not told. */
  serves(): Promise<string | undefined>;
  /** A version that is brought without `serve` answers nobody but whoever names it. */
  readonly keepsServing: boolean;
}

/** By what the server says of itself; where it says nothing, the one that does least. */
export async function dialectOf(protocol: Protocol, ask: AskServer): Promise<Told<DialectName>> {
  if (protocol.paths.managementPort !== undefined) return { ok: true, is: "workers" };
  const asked = await ask({ method: "GET", path: "/v2" });
  if (!asked.ok || asked.status >= 500) return { ok: false, detail: asked.ok ? `GET /v2 ${said(asked)}` : whyNot(asked), again: true };
  const { name, extensions } = jsonOf(asked) ?? {};
  if (name === "triton") return { ok: true, is: "config" };
  return { ok: true, is: Array.isArray(extensions) && extensions.includes("model_repository") ? "parameters" : "none" };
}

export function dialect(name: DialectName, { paths }: Protocol, model: string, ask: AskServer): Dialect {
  const command = async (given: ServerCommand | undefined, body?: unknown): Promise<Told<true>> => {
    if (given === undefined) return { ok: false, detail: "its protocol has no such command", again: false };
    const asked = await ask(body === undefined ? given : { ...given, body: JSON.stringify(body) });
    if (!asked.ok) return { ok: false, detail: whyNot(asked), again: true };
    // What a server can not load now it may have been given a moment later, so only what it takes for nonsense is final.
    return asked.status < 300 ? { ok: true, is: true } : { ok: false, detail: `${given.method} ${given.path} ${said(asked)}`, again: asked.status >= 500 || asked.status === 429 };
  };
  const versionPath = (version: string) => `${paths.model(model)}/versions/${encodeURIComponent(version)}`;
  const isReady = async (version: string): Promise<Told<boolean>> => {
    const asked = await ask({ method: "GET", path: `${versionPath(version)}/ready` });
    return asked.ok ? { ok: true, is: asked.status === 200 } : { ok: false, detail: whyNot(asked), again: true };
  };
  const loaded = async (): Promise<readonly string[]> => {
    const { versions } = (jsonOf(await ask({ method: "GET", path: paths.model(model) })) ?? {}) as { readonly versions?: unknown };
    return Array.isArray(versions) ? versions.map(String) : [];
  };
  const onlyOne = async (): Promise<string | undefined> => {
    const versions = await loaded();
    return versions.length === 1 ? versions[0] : undefined;
  };

  switch (name) {
    case "parameters":
      return {
        name,
        isReady,
        bring: (version, serve) => command(paths.load?.(model), { parameters: { version, ...(serve && { serve }) } }),
        unload: (version) => command(paths.unload?.(model), { parameters: { version } }),
        serves: onlyOne,
        keepsServing: true,
      };

    case "config":
      return {
        name,
        isReady,
        async bring(version, _serve, keep) {
          const wanted = keep !== undefined && Number(keep) < Number(version) ? [keep, version] : [version];
          if (!wanted.every((one) => /^\d{1,15}$/.test(one))) return { ok: false, detail: `Triton's versions are numbers, not ${wanted.join(" and ")}`, again: false };
          const before = await loaded();
          if (before.length === wanted.length && wanted.every((one) => before.includes(one))) return { ok: true, is: true };
          const asked = await ask({ method: "GET", path: `${paths.model(model)}/config` });
          const config = jsonOf(asked);
          if (config === undefined) return { ok: false, detail: asked.ok ? `its config: ${said(asked)}` : whyNot(asked), again: true };
          const policy = { ...config, version_policy: { specific: { versions: wanted.map(Number) } } };
          return command(paths.load?.(model), { parameters: { config: JSON.stringify(policy) } });
        },
        async serves() {
          const versions = await loaded();
          return versions.every((one) => /^\d+$/.test(one)) ? versions.toSorted((a, b) => Number(b) - Number(a))[0] : undefined;
        },
        keepsServing: false,
      };

    case "workers": {
      const described = (path: string) => ask({ method: "GET", path });
      const workersOf = async (version: string): Promise<Told<boolean>> => {
        const asked = await described(`${paths.model(model)}/${encodeURIComponent(version)}`);
        if (!asked.ok) return { ok: false, detail: whyNot(asked), again: true };
        const workers = (firstOf(asked) as { readonly workers?: unknown } | undefined)?.workers;
        return { ok: true, is: Array.isArray(workers) && workers.some((worker) => (worker as { readonly status?: unknown }).status === "READY") };
      };
      return {
        name,
        isReady: workersOf,
        async bring(version, serve) {
          const ready = await workersOf(version);
          // To ask for one worker where there are four would take three away.
          if (!ready.ok || !ready.is) {
            const scaled = await command(paths.load?.(model, version));
            if (!scaled.ok) return scaled;
          }
          return serve ? command({ method: "PUT", path: `${paths.model(model)}/${encodeURIComponent(version)}/set-default` }) : { ok: true, is: true };
        },
        unload: (version) => command(paths.unload?.(model, version)),
        async serves() {
          const version = (firstOf(await described(paths.model(model))) as { readonly modelVersion?: unknown } | undefined)?.modelVersion;
          return typeof version === "string" ? version : undefined;
        },
        keepsServing: true,
      };
    }

    case "none":
      return { name, isReady, bring: () => command(paths.load?.(model)), serves: onlyOne, keepsServing: false };
  }
}

function jsonOf(asked: Asked): Readonly<Record<string, unknown>> | undefined {
  const json = parsed(asked);
  return typeof json === "object" && json !== null && !Array.isArray(json) ? (json as Readonly<Record<string, unknown>>) : undefined;
}

function firstOf(asked: Asked): unknown {
  const json = parsed(asked);
  return Array.isArray(json) ? (json[0] as unknown) : undefined;
}

function parsed(asked: Asked): unknown {
  if (!asked.ok || asked.status !== 200) return undefined;
  try {
    return JSON.parse(asked.body.toString("utf8")) as unknown;
  } catch {
    return undefined;
  }
}
