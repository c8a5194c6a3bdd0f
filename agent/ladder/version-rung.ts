/**
 * The version before, on the same server or another one: what a rollback would go to, asked by the protocol's own path for a
 * version. Which one that is stands in the config, or is told (`knownGood`), or is the newest but one of those that the server
 * describes.
 *
 * A version that the server does not describe is loaded through its repository API where it has one, in the background, since
 * that takes seconds: nobody's question waits for it. It is never unloaded: whoever has asked for a version to be there must
 * find it there in the next outage too.
 */
import * as z from "zod";
import type { Question, RungAnswer } from "../backend.ts";
import type { Cancel, Clock } from "../clock.ts";
import { atPort } from "../forward/under.ts";
import type { Log } from "../log.ts";
import type { ModelDescription, Protocol } from "../protocols/protocol.ts";
import { versionedPath } from "../protocols/versioned.ts";
import { duration } from "../units.ts";
import type { LadderRung } from "./ladder-rung.ts";
import { featureNames, guardOptions, modelVersion, rungName, serverUrl } from "./options.ts";
import { answerFrom, passedOn } from "./relay.ts";
import type { Send, Sent } from "./relay.ts";

export const versionOptions = z.strictObject({
  kind: z.literal("version"),
  name: rungName.default("version"),
  /** Known to be good. Without it, what is told, or the newest but one. */
  version: modelVersion.optional(),
  /** Where it runs. Without it the primary's own server. */
  url: serverUrl.optional(),
  /** Have the server load it where it is not loaded. */
  load: z.boolean().default(true),
  loadTimeout: duration().default(300_000),
  features: featureNames.optional(),
  ...guardOptions({ active: 64, waiting: 256, timeoutMs: 2_000 }),
});
export type VersionRungOptions = z.output<typeof versionOptions>;

export interface VersionRungDeps {
  readonly clock: Clock;
  readonly log: Log;
  readonly protocol: Protocol;
  readonly describe: () => ModelDescription | undefined;
  /** The primary. */
  readonly server: URL;
  readonly send: Send;
  /** The version that was last seen to serve well before the present one. */
  readonly knownGood: () => string | undefined;
}

/** How often it is looked whether there is something to load; after each load twice as long. */
const lookMs = 1_000;
const lookMaxMs = 60_000;

export class VersionRung implements LadderRung {
  readonly name: string;
  readonly kind = "version";

  readonly #options: VersionRungOptions;
  readonly #deps: VersionRungDeps;
  readonly #server: URL;
  /** The version that is known to be loaded: it is described, was loaded from here, or has answered. */
  #there: string | undefined;
  /** The version of which the server said that it is not there, whatever it described before. */
  #missing: string | undefined;
  #nextMs = lookMs;
  #stop = new AbortController();
  #cancel: Cancel = () => {};

  constructor(options: VersionRungOptions, deps: VersionRungDeps) {
    this.name = options.name;
    this.#options = options;
    this.#deps = deps;
    this.#server = options.url === undefined ? deps.server : new URL(options.url);
  }

  get ready(): boolean {
    return this.#version() !== undefined;
  }

  /** Kept at once: to load a version may take minutes, and the server may not even be up. */
  start(): Promise<() => Promise<void>> {
    this.#stop = new AbortController();
    if (this.#options.load && this.#deps.protocol.paths.load !== undefined) void this.#look();
    return Promise.resolve(() => {
      this.#cancel();
      this.#stop.abort();
      return Promise.resolve();
    });
  }

  async answer(question: Question, signal: AbortSignal): Promise<RungAnswer> {
    const { protocol, clock, send } = this.#deps;
    const version = this.#version();
    if (version === undefined) return { outcome: "error", detail: "no version before the present one is known" };
    const path = versionedPath(protocol, question.method, question.path, version);
    if (path === undefined) return { outcome: "unsupported", detail: `${protocol.name} has no path for a version of this question` };
    const timeoutMs = (question.deadlineMs ?? clock.monotonicMs() + this.#options.timeout) - clock.monotonicMs();
    const sent = await send(this.#server, passedOn(question, path), timeoutMs, signal);
    if (sent.ok && isMissing(sent)) this.#missing = version;
    const { answer } = answerFrom(sent, protocol, version);
    if (answer.outcome === "ok") {
      this.#there = version;
      this.#nextMs = lookMs;
    }
    return answer;
  }

  #version(): string | undefined {
    return this.#options.version ?? this.#deps.knownGood() ?? newestButOne(this.#deps.describe()?.versions ?? []);
  }

  /** Loads the version where the server says that it has others only; looks again later, for it may become another one. */
  async #look(): Promise<void> {
    const description = this.#deps.describe();
    const version = this.#version();
    if (description !== undefined && version !== undefined && (version !== this.#there || version === this.#missing)) {
      const isDescribed = this.#options.url === undefined && description.versions.includes(version);
      if (isDescribed && version !== this.#missing) this.#there = version;
      else await this.#load(description.name, version);
    }
    if (!this.#stop.signal.aborted) this.#cancel = this.#deps.clock.after(this.#nextMs, () => void this.#look());
  }

  async #load(model: string, version: string): Promise<void> {
    const { protocol, log, send } = this.#deps;
    const command = protocol.paths.load?.(model, version);
    if (command === undefined) return;
    const question: Question = { method: command.method, path: command.path, headers: { "content-type": "application/json" }, body: Buffer.from(command.body ?? "") };
    const sent = await send(atPort(this.#server, protocol.paths.managementPort), question, this.#options.loadTimeout, this.#stop.signal);
    if (this.#stop.signal.aborted) return;
    // A load that went well may still not have loaded this version: only an answer of its own shows that.
    this.#nextMs = Math.min(lookMaxMs, 2 * this.#nextMs);
    if (sent.ok && sent.status < 300) {
      this.#there = version;
      this.#missing = undefined;
      log.info({ rung: this.name, model, version }, "the version before is loaded");
      return;
    }
    log.warn({ rung: this.name, model, version, why: sent.ok ? `answered ${sent.status}` : sent.detail }, "the version before could not be loaded");
  }
}

/** Triton says 400 for a version that it has not got. */
function isMissing({ status, body }: Extract<Sent, { ok: true }>): boolean {
  return status === 404 || (status === 400 && /unknown model|not found|not ready|no available version/i.test(body.toString("latin1", 0, 512)));
}

/** Of versions that are whole numbers; other names have no order that could be known. */
export function newestButOne(versions: readonly string[]): string | undefined {
  if (!versions.every((version) => /^\d{1,15}$/.test(version))) return undefined;
  return [...new Set(versions)].sort((a, b) => Number(b) - Number(a))[1];
}
