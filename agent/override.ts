/** A person's decision over the route. One is in force at a time; the next replaces it, and each ends by itself. */
export const overrideActions = ["pin", "hold", "drain"] as const;
/**
 * pin: one named backend answers and no other is tried first; hold: what answers now goes on answering, whatever is seen;
 * drain: the primary gets no more requests, and subscribers are told to empty it.
 */
export type OverrideAction = (typeof overrideActions)[number];

/** The longest that one may last: nobody remembers an override of last week. */
export const overrideTtlMaxMs = 24 * 3_600_000;

/** What is asked for, once its words have been checked. */
export interface OverrideAsked {
  readonly action: OverrideAction;
  /** Only of a pin: the backend's name. */
  readonly rung?: string | undefined;
  readonly owner: string;
  readonly reason: string;
  /** At most `overrideTtlMaxMs`. */
  readonly ttlMs: number;
}

/** What came of it. A pin to a backend that there is not is refused; what a person should know all the same is a warning. */
export type OverrideAnswer = { readonly ok: true; readonly override: Override; readonly warnings: readonly string[] } | { readonly ok: false; readonly detail: string };

export interface Override {
  readonly id: string;
  readonly action: OverrideAction;
  /** The backend that is pinned; of a hold, the one that answered then. */
  readonly rung: string;
  /** Who decided: the principal's name, or whom it names. */
  readonly owner: string;
  readonly reason: string;
  readonly atWallMs: number;
  readonly untilWallMs: number;
}
