/**
 * The models on disk and in memory: `FOLDER/model/version/model.onnx`, as Triton lays them out. Beside its versions a model
 * may have a `model.json`:
 *
 *     {"versions": ["1", "2"], "serve": "1"}
 *
 * `versions` are loaded at the start and are what a load without a version chooses the newest from; `serve` answers requests
 * that name no version. Without the file both are the newest version there is. Any other version on disk is loaded only when
 * it is asked for by its number.
 *
 * Loading blocks the process while onnxruntime reads the file (20 to 70 ms for the models here); serve big models elsewhere.
 */
import { createHash } from "node:crypto";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { InferenceSession } from "onnxruntime-node";
import { specsOf, type TensorSpec } from "./tensors.ts";

/** A version in memory. */
export interface Version {
  readonly model: string;
  readonly version: string;
  readonly inputs: readonly TensorSpec[];
  readonly outputs: readonly TensorSpec[];
  readonly session: InferenceSession;
  /** Of its file, `sha256:` and 64 hexadecimal digits: the same version may be another one tomorrow. */
  readonly digest: string;
}

interface Model {
  readonly allowed: readonly string[];
  readonly loaded: Map<string, Version>;
  served: string;
}

export type Found = { readonly found: Version } | { readonly missing: "model" | "version" | "not-served" };
export type Loaded = { readonly loaded: Version } | { readonly failed: "unknown" | "broken"; readonly detail: string };

export class Repository {
  readonly #folder: string;
  readonly #models: ReadonlyMap<string, Model>;

  private constructor(folder: string, models: ReadonlyMap<string, Model>) {
    this.#folder = folder;
    this.#models = models;
  }

  /** Reads the folder and loads what is to be loaded. Throws when there is no model, or one that can not be loaded. */
  static async open(folder: string): Promise<Repository> {
    const names = readdirSync(folder, { withFileTypes: true }).filter((entry) => entry.isDirectory());
    const models = new Map(names.map(({ name }) => [name, readModel(join(folder, name))]));
    if (models.size === 0) throw new Error(`there is no model in ${folder}`);
    const repository = new Repository(folder, models);
    for (const [name, { allowed }] of models) {
      for (const version of allowed) {
        const loaded = await repository.load(name, version);
        if ("failed" in loaded) throw new Error(loaded.detail);
      }
    }
    return repository;
  }

  /** The version asked for, or the one served to requests that name none. */
  find(name: string, version: string | undefined): Found {
    const model = this.#models.get(name);
    if (model === undefined) return { missing: "model" };
    const found = model.loaded.get(version ?? model.served);
    if (found !== undefined) return { found };
    return { missing: version === undefined ? "not-served" : "version" };
  }

  /** The loaded versions, oldest first; undefined for a model that is not here. */
  versionsOf(name: string): readonly string[] | undefined {
    const model = this.#models.get(name);
    return model && [...model.loaded.keys()].sort(byNumber);
  }

  /** Whether each model has the version that it serves. */
  get ready(): boolean {
    return [...this.#models.values()].every(({ loaded, served }) => loaded.has(served));
  }

  get loaded(): readonly Version[] {
    return [...this.#models.values()].flatMap(({ loaded }) => [...loaded.values()]);
  }

  /** Every version on disk with its state, for the repository index. */
  index(): { name: string; version: string; state: "READY" | "UNAVAILABLE"; reason: string }[] {
    return [...this.#models].flatMap(([name, { loaded }]) =>
      versionsOnDisk(join(this.#folder, name)).map((version) =>
        loaded.has(version)
          ? { name, version, state: "READY" as const, reason: "" }
          : { name, version, state: "UNAVAILABLE" as const, reason: "not loaded" },
      ),
    );
  }

  /** Puts a version in memory; one that is there already stays. Without a version: the newest that is allowed. */
  async load(name: string, version: string | undefined): Promise<Loaded> {
    const model = this.#models.get(name);
    if (model === undefined) return { failed: "unknown", detail: `unknown model '${name}'` };
    const chosen = version ?? (model.allowed.at(-1) as string);
    const there = model.loaded.get(chosen);
    if (there !== undefined) return { loaded: there };
    const file = join(this.#folder, name, chosen, "model.onnx");
    if (!/^\d+$/.test(chosen) || !existsSync(file)) return { failed: "unknown", detail: `model '${name}' has no version '${chosen}'` };
    try {
      const digest = `sha256:${createHash("sha256").update(readFileSync(file)).digest("hex")}`;
      // One thread for one small model: more would only fight with what else runs in the pod.
      const session = await InferenceSession.create(file, { intraOpNumThreads: 1, interOpNumThreads: 1, logSeverityLevel: 4 });
      const loaded = { model: name, version: chosen, inputs: specsOf(session.inputMetadata), outputs: specsOf(session.outputMetadata), session, digest };
      model.loaded.set(chosen, loaded);
      return { loaded };
    } catch (error) {
      return { failed: "broken", detail: `model '${name}' version ${chosen} can not be loaded: ${(error as Error).message}` };
    }
  }

  /** Makes a loaded version the one that answers requests that name none. */
  serve({ model, version }: Version): void {
    const known = this.#models.get(model);
    if (known?.loaded.has(version)) known.served = version;
  }

  /**
   * Takes a version, or all of a model, out of reach and gives back what was taken, or undefined for a model that is not
   * here. Who calls releases the sessions once nobody uses them.
   */
  unload(name: string, version: string | undefined): readonly Version[] | undefined {
    const model = this.#models.get(name);
    if (model === undefined) return undefined;
    const taken = [...model.loaded.values()].filter((loaded) => version === undefined || loaded.version === version);
    for (const { version: gone } of taken) model.loaded.delete(gone);
    return taken;
  }
}

function readModel(folder: string): Model {
  const newest = versionsOnDisk(folder).at(-1);
  if (newest === undefined) throw new Error(`there is no version in ${folder}`);
  const { versions, serve } = readConfig(join(folder, "model.json"), newest);
  return { allowed: versions.toSorted(byNumber), loaded: new Map(), served: serve };
}

function readConfig(file: string, newest: string): { readonly versions: readonly string[]; readonly serve: string } {
  if (!existsSync(file)) return { versions: [newest], serve: newest };
  try {
    const { versions, serve } = JSON.parse(readFileSync(file, "utf8")) as { readonly versions: unknown; readonly serve: unknown };
    if (Array.isArray(versions) && typeof serve === "string" && versions.includes(serve)) return { versions: versions as string[], serve };
  } catch {
    // Told below, like any other mistake in it.
  }
  throw new Error(`${file} must be like {"versions": ["1", "2"], "serve": "1"}, where serve is one of versions`);
}

function versionsOnDisk(folder: string): string[] {
  return readdirSync(folder)
    .filter((name) => /^\d+$/.test(name))
    .sort(byNumber);
}

function byNumber(one: string, other: string): number {
  return Number(one) - Number(other);
}
