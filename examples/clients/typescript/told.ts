/**
 * What a publisher has told so far, and for how long it holds. Frames go in; callbacks come out when something has changed,
 * so a repeated frame is silent. What is not renewed within its lease is forgotten, aloud: the state becomes `unknown`, its
 * directives are taken back. Knows no socket, and counts time by the monotonic clock only.
 */
import { heldActions, type Directive, type Drift, type Frame, type HeldAction, type Judge, type Rollout, type State, type Target, type VersionChange } from "./frames.ts";

export interface Callbacks {
  /** The state of a target has changed, or lapsed to `unknown`: then go back to your own default. */
  readonly onState?: ((state: State) => void) | undefined;
  /**
   * A directive has come into force; `restore` when some are taken back, or are no longer known to hold. Throw `CanNot` where
   * you can not do it: it is nacked, and what was in force in its place stays so for you.
   */
  readonly onDirective?: ((directive: Directive) => void) | undefined;
  /** `firing` each time it is announced; `resolved` when it is over, or is no longer announced. */
  readonly onDrift?: ((drift: Drift) => void) | undefined;
  /** Each time it is announced. */
  readonly onJudge?: ((judge: Judge) => void) | undefined;
  /** Each time it is announced; not when it lapses, since a rollout goes on while its publisher can not be heard. */
  readonly onRollout?: ((rollout: Rollout) => void) | undefined;
  readonly onVersion?: ((change: VersionChange) => void) | undefined;
}

/** Thrown by `onDirective`: unsupported (by this program), invalid (it names what is not there), refused (not now), failed (tried in vain). */
export class CanNot extends Error {
  readonly code: "unsupported" | "invalid" | "refused" | "failed";

  constructor(code: CanNot["code"], detail: string) {
    super(detail);
    this.code = code;
  }
}

/** What the publisher is to hear of a directive. */
export interface Refusal {
  readonly rev: number;
  readonly code: CanNot["code"];
  readonly detail: string;
  /** The `rev` of the directive that stays in force instead. */
  readonly keeping?: number;
}

type Held = Exclude<Directive, { action: "restore" }>;

interface Known {
  readonly target: Target;
  leaseMs: number;
  /** When it lapses, by `performance.now`. */
  untilMs: number;
  /** With the epoch in which its `rev` counts. */
  state: { readonly epoch: string; readonly told: State } | undefined;
  readonly directives: Map<HeldAction, Held & { readonly epoch: string }>;
  readonly drifts: Map<string, Drift>;
  /** The one that runs. */
  rollout: Rollout | undefined;
}

type Level = Extract<Frame, { kind: "state" | "directive" | "drift" | "judge" | "rollout" }>;

/** More targets than this are not followed. */
const targetsMax = 20_000;
/** In one ack. */
const appliedMax = 100;

export class Told {
  readonly #callbacks: Callbacks;
  readonly #known = new Map<string, Known>();
  #cursor: { readonly epoch: string; readonly seq: number } | undefined;
  #snapshot: Level[] | undefined;
  #leaseMs = 10_000;
  #lapse: NodeJS.Timeout | undefined;
  #lapseAtMs = Infinity;
  /** Something lapsed. Renewals do not repeat what was forgotten, so it is to be asked for anew. */
  #lapsed = false;
  readonly #applied = new Map<string, number>();
  /** Of those, what the publisher has not been told yet. */
  readonly #unsaid = new Set<string>();
  #refusals: Refusal[] = [];

  constructor(callbacks: Callbacks) {
    this.#callbacks = callbacks;
  }

  /** Where the publisher may go on after a broken connection. */
  get cursor(): string | undefined {
    return this.#cursor === undefined || this.#lapsed ? undefined : `${this.#cursor.epoch}:${this.#cursor.seq}`;
  }

  get lastSeq(): number | undefined {
    return this.#cursor?.seq;
  }

  /** What to say in the next ack: by target, the `rev` of the newest directive applied. As much as fits into a frame. */
  takeApplied(): Readonly<Record<string, number>> {
    const said = [...this.#unsaid].slice(0, appliedMax);
    for (const key of said) this.#unsaid.delete(key);
    return Object.fromEntries(said.flatMap((key) => (this.#applied.has(key) ? [[key, this.#applied.get(key) as number]] : [])));
  }

  get hasMoreApplied(): boolean {
    return this.#unsaid.size > 0;
  }

  /** What could not be done since this was last asked. */
  takeRefusals(): readonly Refusal[] {
    const refusals = this.#refusals;
    this.#refusals = [];
    return refusals;
  }

  /** What holds now, by target (`model@endpoint`): status, rung and rev of the state; the revs of directives; drifts that fire; the rollout that runs. */
  view(): Readonly<Record<string, object>> {
    return Object.fromEntries(
      [...this.#known].map(([key, { state, directives, drifts, rollout }]) => [key, {
        status: state?.told.status ?? "unknown",
        rung: state?.told.rung ?? null,
        rev: state?.told.rev ?? null,
        directives: Object.fromEntries([...directives].map(([action, { rev }]) => [action, rev])),
        drifts: [...drifts.values()].map(({ stream }) => stream).toSorted((a, b) => (a < b ? -1 : 1)),
        rollout: rollout === undefined ? null : { id: rollout.rollout, phase: rollout.phase, weight: rollout.weight },
      }]),
    );
  }

  /** Takes in a frame. False: something before it was lost, so the connection is to be made anew. */
  hear(frame: Frame): boolean {
    switch (frame.kind) {
      case "welcome":
        this.#leaseMs = frame.body.leaseMs;
        this.#snapshot = undefined;
        for (const key of this.#applied.keys()) this.#unsaid.add(key);
        return true;
      case "reset":
        this.#cursor = undefined;
        return true;
      case "snapshot.begin":
        this.#snapshot = [];
        return true;
      case "snapshot.end":
        this.#replace(this.#snapshot ?? [], frame.epoch);
        this.#snapshot = undefined;
        this.#lapsed = false;
        if (frame.seq !== undefined) this.#cursor = { epoch: frame.epoch, seq: frame.seq };
        return true;
      case "heartbeat":
        if (performance.now() >= this.#lapseAtMs) this.#lapseAll(); // A renewal that comes too late renews nothing.
        if (this.#lapsed) return false;
        if (this.#cursor === undefined || this.#snapshot !== undefined) return true;
        if (frame.epoch !== this.#cursor.epoch || frame.body.lastSeq > this.#cursor.seq) return false;
        if (frame.body.lastSeq === this.#cursor.seq) for (const known of this.#known.values()) this.#renew(known);
        return true;
      case "bookmark":
        if (this.#cursor?.epoch !== frame.epoch || frame.seq === undefined) return false;
        this.#cursor = { epoch: frame.epoch, seq: Math.max(frame.seq, this.#cursor.seq) };
        return true;
      case "state":
      case "directive":
      case "drift":
      case "judge":
      case "rollout":
        if (this.#snapshot !== undefined) {
          this.#snapshot.push(frame);
          return true;
        }
        if (this.#repeats(frame)) return true;
        if (!this.#follows(frame)) return false;
        this.#apply(frame);
        return true;
      case "transition":
        return this.#snapshot !== undefined || this.#follows(frame);
      case "version": {
        const last = this.#cursor?.seq;
        if (this.#snapshot !== undefined) return true;
        if (!this.#follows(frame)) return false;
        if (this.#cursor?.seq !== last) this.#callbacks.onVersion?.(frame.body); // Else it is a repeated one.
        return true;
      }
      case "auth.refreshed":
      case "error":
      case "goodbye":
        return true;
    }
    // A kind that was added later moves the cursor like any other.
    const { seq } = frame as Frame;
    return seq === undefined || this.#snapshot !== undefined || this.#follows(frame);
  }

  /** Forgets all, silently. */
  close(): void {
    clearTimeout(this.#lapse);
    this.#lapseAtMs = Infinity;
    this.#known.clear();
  }

  /** An old frame come again. One with the number that is known is a refresh, or the latest of what was passed over. */
  #repeats({ epoch, seq }: Frame): boolean {
    return seq !== undefined && this.#cursor?.epoch === epoch && seq < this.#cursor.seq;
  }

  /** Moves the cursor to a frame's number, if there is no hole before it. */
  #follows({ epoch, seq }: Frame): boolean {
    if (seq === undefined || this.#cursor?.epoch !== epoch || seq > this.#cursor.seq + 1) return false;
    if (seq > this.#cursor.seq) this.#cursor = { epoch, seq };
    return true;
  }

  /** A snapshot is complete: what is not in it is not so. */
  #replace(levels: readonly Level[], epoch: string): void {
    const named = new Set(levels.map((level) => `${level.kind} ${nameOf(level)}`));
    if (this.#cursor?.epoch !== epoch) this.#applied.clear(); // Its numbers mean nothing in this run.
    for (const [key, known] of this.#known) {
      const gone = [...known.directives.keys()].filter((action) => !named.has(`directive ${key} ${action}`));
      this.#restore(known, gone, "the publisher no longer asks for it");
      for (const [name, drift] of known.drifts) {
        if (!named.has(`drift ${name}`)) this.#resolve(known, name, drift);
      }
      if (!named.has(`rollout ${key}`)) known.rollout = undefined;
      if (!named.has(`state ${key}`)) this.#forgetState(known, "not-known", "the publisher no longer knows this target");
    }
    for (const level of levels) this.#apply(level, true);
  }

  #apply(level: Level, inSnapshot = false): void {
    const known = this.#find(level.body.target);
    if (known === undefined) return;
    switch (level.kind) {
      case "state":
        return this.#applyState(known, level.epoch, level.body);
      case "directive":
        return this.#applyDirective(known, level.epoch, level.body, inSnapshot);
      case "drift":
        if (level.body.status === "firing") known.drifts.set(nameOf(level), level.body);
        else known.drifts.delete(nameOf(level));
        return this.#callbacks.onDrift?.(level.body);
      case "judge":
        return this.#callbacks.onJudge?.(level.body);
      case "rollout":
        known.rollout = level.body.phase === "promoted" || level.body.phase === "aborted" ? undefined : level.body;
        return this.#callbacks.onRollout?.(level.body);
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

  /** The same again is silent. One that is older than what was applied comes from a repeated frame, unless a snapshot says it. */
  #applyDirective(known: Known, epoch: string, directive: Directive, inSnapshot: boolean): void {
    const key = keyOf(known.target);
    if (directive.rev <= (this.#applied.get(key) ?? -1) && !inSnapshot) return;
    if (directive.action === "restore") {
      const of = (directive.of ?? heldActions).filter((action) => known.directives.has(action));
      this.#restore(known, of, directive.why, directive);
    } else if (!this.#take(known, epoch, directive)) {
      return;
    }
    if (directive.rev <= (this.#applied.get(key) ?? -1)) return;
    this.#applied.set(key, directive.rev);
    this.#unsaid.add(key);
  }

  /** False where it can not be done: what was in force before stays so. */
  #take(known: Known, epoch: string, directive: Held): boolean {
    const before = known.directives.get(directive.action);
    if (before?.epoch === epoch && before.rev === directive.rev) return true;
    if (before !== undefined && isSame(before, directive)) {
      known.directives.set(directive.action, { ...directive, epoch });
      return true;
    }
    try {
      if (!heldActions.includes(directive.action)) throw new CanNot("unsupported", `this subscriber knows no ${String(directive.action)}`);
      known.directives.set(directive.action, { ...directive, epoch });
      this.#callbacks.onDirective?.(directive);
      return true;
    } catch (error) {
      if (!(error instanceof CanNot)) throw error;
      if (before === undefined) known.directives.delete(directive.action);
      else known.directives.set(directive.action, before);
      this.#refusals.push({ rev: directive.rev, code: error.code, detail: error.message, ...(before !== undefined && { keeping: before.rev }) });
      return false;
    }
  }

  #find(target: Target): Known | undefined {
    const key = keyOf(target);
    const there = this.#known.get(key);
    if (there !== undefined || this.#known.size >= targetsMax) return there;
    const known: Known = { target, leaseMs: this.#leaseMs, untilMs: Infinity, state: undefined, directives: new Map(), drifts: new Map(), rollout: undefined };
    this.#known.set(key, known);
    this.#renew(known);
    return known;
  }

  #renew(known: Known): void {
    known.untilMs = performance.now() + known.leaseMs;
    this.#watch(known.untilMs);
  }

  /** One timer for all leases, at the one that ends first as far as is known. */
  #watch(atMs: number): void {
    if (this.#lapseAtMs <= atMs) return;
    clearTimeout(this.#lapse);
    this.#lapseAtMs = atMs;
    this.#lapse = setTimeout(() => this.#lapseAll(), Math.max(0, atMs - performance.now()));
  }

  #lapseAll(): void {
    const nowMs = performance.now();
    this.#lapseAtMs = Infinity;
    for (const [key, known] of this.#known) {
      if (known.untilMs > nowMs) {
        this.#watch(known.untilMs);
        continue;
      }
      const why = `nothing was heard for ${known.leaseMs} ms`;
      this.#known.delete(key);
      this.#applied.delete(key);
      this.#forgetState(known, "lease-lapsed", why);
      this.#restore(known, [...known.directives.keys()], why);
      for (const [name, drift] of known.drifts) this.#resolve(known, name, drift);
      this.#lapsed = true;
    }
  }

  #forgetState(known: Known, code: string, evidence: string): void {
    if (known.state === undefined) return;
    const { told } = known.state;
    known.state = undefined;
    this.#callbacks.onState?.({ ...told, status: "unknown", cause: { detector: "subscriber", code, evidence } });
  }

  #restore(known: Known, of: readonly HeldAction[], why: string, directive?: Directive & { action: "restore" }): void {
    if (of.length === 0) return;
    const newest = [...known.directives.values()].toSorted((a, b) => b.rev - a.rev)[0] as Held;
    for (const action of of) known.directives.delete(action);
    this.#callbacks.onDirective?.({ ...(directive ?? { target: known.target, rev: newest.rev, at: newest.at, action: "restore", why }), of });
  }

  #resolve(known: Known, name: string, drift: Drift): void {
    known.drifts.delete(name);
    this.#callbacks.onDrift?.({ ...drift, status: "resolved" });
  }
}

/** Does it ask for the same, whatever its number? */
function isSame(a: Held, b: Held): boolean {
  const asked = ({ action, ...rest }: Held) => JSON.stringify([action, "rung" in rest ? rest.rung : undefined, "weights" in rest ? rest.weights : undefined]);
  return asked(a) === asked(b);
}

function keyOf({ model, endpoint }: Target): string {
  return `${model}@${endpoint}`;
}

function nameOf(level: Level): string {
  const key = keyOf(level.body.target);
  switch (level.kind) {
    case "drift":
      return `${key} ${level.body.stream} ${level.body.detector}`;
    case "directive":
      return `${key} ${level.body.action}`;
    case "judge":
    case "rollout":
    case "state":
      return key;
  }
}
