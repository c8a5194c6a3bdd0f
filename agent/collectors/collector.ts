/** What a collector is: a source of numbers that is read again and again, and says `unknown` where it can not be read. */
import type { Close } from "../lifecycle.ts";
import type { Point } from "../observation.ts";

export interface Reading {
  readonly status: "ok" | "unknown";
  /** For people: what is missing, or what was read. */
  readonly detail: string;
  readonly points: readonly Point[];
  /** Which process was read, as `ReadingObservation` has it. */
  readonly process?: string;
}

export interface Collector {
  readonly intervalMs: number;
  /** A reading that takes longer counts as hung. */
  readonly timeoutMs: number;
  /** For a source that runs by itself, such as a child process: starts it. */
  open?(): Close;
  /** One reading. Never called again before it has ended. */
  read(): Promise<Reading>;
}

export const unknown = (detail: string): Reading => ({ status: "unknown", detail, points: [] });
