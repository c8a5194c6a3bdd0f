/**
 * What a publisher has told so far, and for how long it holds. Frames go in; callbacks come out when something has changed,
 * so a repeated frame is silent. What is not renewed within its lease is forgotten, aloud: the state becomes `unknown`, a
 * drain is taken back. Knows no socket.
 */
import type { Directive, Drift, Frame, State, Target } from "./frames.ts";

export interface Callbacks {
  /** The state of a target has changed, or lapsed to `unknown`: then go back to your own default. */
  readonly onState?: ((state: State) => void) | undefined;
  /** `drain` when one comes into force; `restore` when it is taken back, or is no longer known to hold. */
  readonly onDirective?: ((directive: Directive) => void) | undefined;
  /** `firing` each time it is announced; `resolved` when it is over, or is no longer announced. */
  readonly onDrift?: ((drift: Drift) => void) | undefined;
}

interface Known {
  readonly target: Target;
  leaseMs: number;
  lapse: NodeJS.Timeout | undefined;
  /** With the epoch in which its `rev` counts. */
  state: { readonly epoch: string; readonly told: State } | undefined;
  drain: Directive | undefined;
  readonly drifts: Map<string, Drift>;
}

type Level = Extract<Frame, { kind: "state" | "directive" | "drift" }>;

/** More targets than this are not followed. */
const targetsMax = 1_000;

export class Told {
  readonly #callbacks: Callbacks;
  readonly #known = new Map<string, Known>();
  #cursor: { readonly epoch: string; readonly seq: number } | undefined;
  #snapshot: Level[] | undefined;
  #leaseMs = 10_000;

  constructor(callbacks: Callbacks) {
    this.#callbacks = callbacks;
  }

  /** Where the publisher may go on after a broken connection. */
  get cursor(): string | undefined {
    return this.#cursor && `${this.#cursor.epoch}:${this.#cursor.seq}`;
  }

  get lastSeq(): number | undefined {
    return this.#cursor?.seq;
  }

  /** Takes in a frame. False: something before it was lost, so the connection is to be made anew. */
  hear(frame: Frame): boolean {
    switch (frame.kind) {
      case "welcome":
        this.#leaseMs = frame.body.leaseMs;
        this.#snapshot = undefined;
        return true;
      case "reset":
        this.#cursor = undefined;
        return true;
      case "snapshot.begin":
        this.#snapshot = [];
        return true;
      case "snapshot.end":
        this.#replace(this.#snapshot ?? []);
        this.#snapshot = undefined;
        if (frame.seq !== undefined) this.#cursor = { epoch: frame.epoch, seq: frame.seq };
        return true;
      case "heartbeat":
        return this.#cursor === undefined || frame.body.lastSeq <= this.#cursor.seq;
      case "state":
      case "directive":
      case "drift":
        if (this.#snapshot !== undefined) {
          this.#snapshot.push(frame);
          return true;
        }
        if (!this.#follows(frame)) return false;
        this.#apply(frame);
        return true;
      case "transition":
        return this.#snapshot !== undefined || this.#follows(frame);
      case "error":
      case "goodbye":
        return true;
    }
    // A kind that was added later moves the cursor like any other.
    return (frame as Frame).seq === undefined || this.#follows(frame);
  }

  /** Forgets all, silently. */
  close(): void {
    for (const { lapse } of this.#known.values()) clearTimeout(lapse);
    this.#known.clear();
  }

  /** Moves the cursor to a frame's number, if there is no hole before it. */
  #follows({ epoch, seq }: Frame): boolean {
    if (seq === undefined || this.#cursor?.epoch !== epoch || seq > this.#cursor.seq + 1) return false;
    if (seq > this.#cursor.seq) this.#cursor = { epoch, seq };
    return true;
  }

  /** A snapshot is complete: what is not in it is not so. */
  #replace(levels: readonly Level[]): void {
    const named = new Set(levels.map((level) => `${level.kind} ${nameOf(level)}`));
    for (const [key, known] of this.#known) {
      if (!named.has(`directive ${key}`)) this.#restore(known, "the publisher no longer asks for it");
      for (const [name, drift] of known.drifts) {
        if (!named.has(`drift ${name}`)) this.#resolve(known, name, drift);
      }
      if (!named.has(`state ${key}`)) this.#forgetState(known, "not-known", "the publisher no longer knows this target");
    }
    for (const level of levels) this.#apply(level);
  }

  #apply(level: Level): void {
    const known = this.#find(level.body.target);
    if (known === undefined) return;
    switch (level.kind) {
      case "state":
        return this.#applyState(known, level.epoch, level.body);
      case "directive":
        if (level.body.action === "restore") return this.#restore(known, level.body.why, level.body);
        if (known.drain !== undefined) return;
        known.drain = level.body;
        return this.#callbacks.onDirective?.(level.body);
      case "drift":
        if (level.body.status === "firing") known.drifts.set(nameOf(level), level.body);
        else known.drifts.delete(nameOf(level));
        return this.#callbacks.onDrift?.(level.body);
    }
  }

  #applyState(known: Known, epoch: string, state: State): void {
    const before = known.state?.epoch === epoch ? known.state.told.rev : -1;
    if (state.rev < before) return;
    known.leaseMs = state.leaseMs;
    this.#renew(known);
    if (state.rev === before) return;
    known.state = { epoch, told: state };
    this.#callbacks.onState?.(state);
  }

  #find(target: Target): Known | undefined {
    const key = keyOf(target);
    const there = this.#known.get(key);
    if (there !== undefined || this.#known.size >= targetsMax) return there;
    const known: Known = { target, leaseMs: this.#leaseMs, lapse: undefined, state: undefined, drain: undefined, drifts: new Map() };
    this.#known.set(key, known);
    this.#renew(known);
    return known;
  }

  #renew(known: Known): void {
    clearTimeout(known.lapse);
    known.lapse = setTimeout(() => {
      const why = `nothing was heard for ${known.leaseMs} ms`;
      this.#known.delete(keyOf(known.target));
      this.#forgetState(known, "lease-lapsed", why);
      this.#restore(known, why);
      for (const [name, drift] of known.drifts) this.#resolve(known, name, drift);
    }, known.leaseMs);
  }

  #forgetState(known: Known, code: string, evidence: string): void {
    if (known.state === undefined) return;
    const { told } = known.state;
    known.state = undefined;
    this.#callbacks.onState?.({ ...told, status: "unknown", cause: { detector: "subscriber", code, evidence } });
  }

  #restore(known: Known, why: string, directive?: Directive): void {
    if (known.drain === undefined) return;
    const restore = directive ?? { ...known.drain, action: "restore", why };
    known.drain = undefined;
    this.#callbacks.onDirective?.(restore);
  }

  #resolve(known: Known, name: string, drift: Drift): void {
    known.drifts.delete(name);
    this.#callbacks.onDrift?.({ ...drift, status: "resolved" });
  }
}

function keyOf({ model, endpoint }: Target): string {
  return JSON.stringify([model, endpoint]);
}

function nameOf({ kind, body }: Level): string {
  const key = keyOf(body.target);
  return kind === "drift" ? JSON.stringify([key, body.stream, body.detector]) : key;
}
