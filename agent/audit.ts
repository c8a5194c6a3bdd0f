/** A decision of a person or of a program in a person's name, as it is kept: who, what, why, and what came of it. */
import type { Role } from "./principal.ts";

export interface AuditEntry {
  readonly atWallMs: number;
  /** The principal's name. */
  readonly who: string;
  readonly role: Role;
  /** What was asked for, such as `override.pin`, `review.answer`, `config.reload`: a closed set by the routes' names. */
  readonly action: string;
  /** What it was done to: an override's id, an inference, a reference's digest. */
  readonly subject?: string | undefined;
  readonly reason?: string | undefined;
  readonly result: "done" | "refused" | "ended";
  /** Anything that JSON can say; never a payload and never a secret. */
  readonly detail?: Readonly<Record<string, unknown>> | undefined;
}

/** Never waits, never throws. */
export type Audit = (entry: AuditEntry) => void;
