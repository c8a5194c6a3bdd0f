/**
 * The life of one stream's alarm: raised by evidence, told again while evidence keeps coming (at once for one of the first
 * culprits, else at most each tenth of `clearMs`, so that a lasting drift is a pulse and not a flood), over once `clearMs` and enough samples have passed without
 * any. Without samples nothing is known, so an alarm does not end in silence.
 */
import type { Judgement, Onset } from "../judgement.ts";

export interface AlarmPolicy {
  readonly clearMs: number;
  /** As many samples as would have raised it again. */
  readonly clearSamples: number;
}

export interface AlarmSnapshot {
  readonly judgement: Judgement;
  readonly sinceEvidenceMs: number;
  readonly samples: number;
}

/** Culprits beyond these are named when the alarm is told again anyway. */
const namesAtOnceMax = 5;

export class Alarm {
  readonly #policy: AlarmPolicy;
  readonly #judge: (judgement: Judgement) => void;
  /** The latest evidence, while it is raised. */
  #judgement: Judgement | undefined;
  #evidenceMs = 0;
  #toldMs = -Infinity;
  /** Culprits named since it was raised. */
  readonly #named = new Set<string>();
  #samples = 0;

  constructor(policy: AlarmPolicy, judge: (judgement: Judgement) => void) {
    this.#policy = policy;
    this.#judge = judge;
  }

  get raised(): boolean {
    return this.#judgement !== undefined;
  }

  /** Evidence was found. */
  raise(judgement: Judgement, nowMs: number): void {
    if (!this.raised) this.#forget();
    this.#judgement = judgement;
    this.#evidenceMs = nowMs;
    this.#samples = 0;
    const more = this.#named.size < namesAtOnceMax && judgement.culprits.some(({ name }) => !this.#named.has(name));
    if (more || nowMs - this.#toldMs >= this.#policy.clearMs / 10) this.#tell(judgement, nowMs);
  }

  /** The evidence still holds, though nothing new was found; but when it began may be known better by now. */
  hold(nowMs: number, wallMs: number, onset?: Onset): void {
    if (this.#judgement !== undefined) this.raise({ ...this.#judgement, ...(onset && { onset }), atWallMs: wallMs }, nowMs);
  }

  /** One sample spoke neither for nor against. */
  sampled(): void {
    this.#samples += 1;
  }

  /** Ends the alarm when its time has come. `statistic`: what the detector reads now. */
  tick(statistic: number, nowMs: number, wallMs: number): void {
    const last = this.#judgement;
    if (last === undefined || nowMs - this.#evidenceMs < this.#policy.clearMs || this.#samples < this.#policy.clearSamples) return;
    this.#judgement = undefined;
    this.#judge({
      ...last,
      verdict: "stable",
      statistic,
      culprits: [],
      onset: undefined,
      message: `${last.model}: the alarm on ${last.stream} is over, no new evidence for ${minutes(this.#policy.clearMs)}`,
      atWallMs: wallMs,
    });
  }

  snapshot(nowMs: number): AlarmSnapshot | undefined {
    return this.#judgement && { judgement: this.#judgement, sinceEvidenceMs: nowMs - this.#evidenceMs, samples: this.#samples };
  }

  /** Comes back raised and says so again, since the world may have forgotten. */
  restore(saved: AlarmSnapshot | undefined, nowMs: number): void {
    if (saved === undefined) return;
    this.#judgement = saved.judgement;
    this.#evidenceMs = nowMs - saved.sinceEvidenceMs;
    this.#samples = saved.samples;
    this.#tell(saved.judgement, nowMs);
  }

  #forget(): void {
    this.#toldMs = -Infinity;
    this.#named.clear();
  }

  #tell(judgement: Judgement, nowMs: number): void {
    this.#toldMs = nowMs;
    for (const { name } of judgement.culprits) this.#named.add(name);
    this.#judge(judgement);
  }
}

function minutes(ms: number): string {
  return ms >= 60_000 ? `${Math.round(ms / 60_000)} min` : `${Math.round(ms / 1_000)} s`;
}
