/** What the ladder's door needs of a rung beyond its answers. */
import type { Rung } from "../backend.ts";

export interface LadderRung extends Rung {
  /** It could answer now, circuit aside; undefined means always. */
  readonly ready?: boolean;
  /** A question would have something loaded that is not there yet. */
  readonly asleep?: boolean;
  /** The primary has described its model, or another one. */
  described?(): void;
  /** Opens or loads what it needs; never rejects: what can not be had is logged, and the rung is not ready. */
  start?(): Promise<() => Promise<void>>;
}
