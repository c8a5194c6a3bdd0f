/** Who has answered the client, why they, and how it ended. */
import type { Outcome, Reason } from "../backend.ts";

export interface Verdict {
  /** `none` where nobody has answered. */
  readonly rung: string;
  readonly reason: Reason;
  readonly version: string | undefined;
  readonly outcome: Outcome;
}

export function answeredByNobody(outcome: Outcome): Verdict {
  return { rung: "none", reason: "no-rung", version: undefined, outcome };
}
