/**
 * What is so now, from the signals announced so far: the latest state of each target, the directives in force, the drifts that
 * fire, the experiments and the rollouts that run. What was taken back is remembered for a while, so that a slow subscriber can be told the
 * latest of everything that changed behind its back and nothing else.
 */
import { heldActions, targetKey, type DirectiveSignal, type Signal } from "../signal.ts";

export type LevelSignal = Exclude<Signal, { type: "transition" | "version" }>;
type LevelType = LevelSignal["type"];

export interface Level {
  /** The number under which it was announced. */
  readonly seq: number;
  readonly signal: LevelSignal;
  /** The body as JSON, made once for all who are sent it. */
  readonly body: string;
}

/** In the order of a snapshot. */
export const levelTypes = ["state", "directive", "drift", "judge", "rollout"] as const satisfies readonly LevelType[];

/** Of each type. A sidecar has one model server; an aggregator may have thousands. */
const levelsMax = 16_384;
const overMax = 1_024;

export class Levels {
  readonly #inForce: Readonly<Record<LevelType, Map<string, Level>>> = { state: new Map(), directive: new Map(), drift: new Map(), judge: new Map(), rollout: new Map() };
  /** By the same keys, what took them back; the oldest first. */
  readonly #over = new Map<string, Level>();
  /** What was taken back at this number or before may be forgotten. */
  #forgottenSeq = 0;
  #listed: readonly Level[] | undefined;

  /** False where the bound was reached and the level is not remembered. */
  note(level: Level): boolean {
    this.#listed = undefined;
    const { signal } = level;
    const { type } = signal;
    const target = targetKey(signal.target);
    switch (type) {
      case "state":
        return this.#keep(type, target, level);
      case "directive":
        if (signal.action !== "restore") return this.#keep(type, JSON.stringify([target, signal.action]), level);
        for (const action of restored(signal)) this.#forget(type, JSON.stringify([target, action]), level);
        return true;
      case "drift": {
        const key = JSON.stringify([target, signal.stream, signal.detector]);
        return signal.status === "firing" ? this.#keep(type, key, level) : this.#forget(type, key, level);
      }
      case "judge": {
        const key = JSON.stringify([target, signal.experiment]);
        return signal.final ? this.#forget(type, key, level) : this.#keep(type, key, level);
      }
      case "rollout": // One at a time; how it ended is its last word.
        return signal.phase === "promoted" || signal.phase === "aborted" ? this.#forget(type, target, level) : this.#keep(type, target, level);
    }
  }

  /** What is in force, in the order of a snapshot. The same list until something changes. */
  list(): readonly Level[] {
    this.#listed ??= levelTypes.flatMap((type) => [...this.#inForce[type].values()]);
    return this.#listed;
  }

  of(type: LevelType): readonly Level[] {
    return [...this.#inForce[type].values()];
  }

  /** The latest of all that changed after this number, what was taken back too; undefined where that is too long ago. Cost: all levels. */
  since(seq: number): readonly Level[] | undefined {
    if (seq < this.#forgottenSeq) return undefined;
    const changed = [...this.list(), ...this.#over.values()].filter((level) => level.seq > seq);
    // One restore may have taken back several; and it goes before what came into force after it.
    return [...new Set(changed)].toSorted((a, b) => a.seq - b.seq);
  }

  #keep(type: LevelType, key: string, level: Level): boolean {
    const levels = this.#inForce[type];
    if (levels.size >= levelsMax && !levels.has(key)) return false;
    levels.set(key, level);
    this.#over.delete(`${type} ${key}`);
    return true;
  }

  #forget(type: LevelType, key: string, level: Level): true {
    if (!this.#inForce[type].delete(key)) return true;
    this.#over.set(`${type} ${key}`, level);
    const [oldest] = this.#over;
    if (oldest !== undefined && this.#over.size > overMax) {
      this.#over.delete(oldest[0]);
      this.#forgottenSeq = oldest[1].seq;
    }
    return true;
  }
}

/** Which actions a restore takes back. */
export function restored(signal: DirectiveSignal & { readonly action: "restore" }): readonly (typeof heldActions)[number][] {
  return signal.of ?? heldActions.filter((action) => action !== "route");
}
