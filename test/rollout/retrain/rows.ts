/** Inferences for a window, and files read back. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { onTestFinished } from "vitest";
import type { Decoded, Value } from "../../../agent/protocols/protocol.ts";
import { TrainingWindow, type WindowBounds } from "../../../agent/rollout/retrain/window.ts";
import type { WriteWindow } from "../../../agent/rollout/retrain/window-file.ts";

export const startMs = Date.UTC(2026, 0, 1);

export type Columns = Readonly<Record<string, readonly Value[]>>;

export function decoded(columns: Columns): Decoded {
  return { ok: true, rows: Object.values(columns)[0]?.length ?? 0, columns: Object.entries(columns).map(([name, values]) => ({ name, values })) };
}

/** One that is told what it sees in few words. */
export function windowOf(bounds: Partial<WindowBounds> = {}) {
  const window = new TrainingWindow({ rows: 20_000, bytes: 32 * 1_048_576, ...bounds });
  let seen = 0;
  return {
    window,
    sampled: (id: string, request: Columns, answer: Columns, { version, rung = "primary" }: { readonly version?: string; readonly rung?: string } = {}): void => {
      window.sampled({ inferenceId: id, version, rung, atWallMs: startMs + 1_000 * seen++ }, decoded(request), decoded(answer), 0);
    },
    actual: (id: string, values: readonly (number | string | boolean)[], nowMs = 0) => window.actual({ inferenceId: id, values }, nowMs),
  };
}

export function tempFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), "pilotfish-retrain-"));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

export const keepAll: WriteWindow["redaction"] = { default: "keep", keep: [], drop: [], hash: [], round: {}, inferenceIds: "keep", keyFile: undefined };

export function asked(folder: string, more: Partial<WriteWindow> = {}): WriteWindow {
  return {
    folder, location: undefined, format: "jsonl", redaction: keepAll, keep: { windows: 5, bytes: 1e9 },
    id: "00000000-0000-4000-8000-000000000001", model: "employment", who: "pilotfish",
    why: { reason: undefined, streams: [{ stream: "features", detector: "conformal", sinceWallMs: startMs, culprits: ["age"] }] },
    atWallMs: startMs + 60_000,
    ...more,
  };
}
