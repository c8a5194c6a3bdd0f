/** How far a long file has been read, redrawn in place on standard error; nothing where nobody watches that. */
import type { Clock } from "../clock.ts";
import type { World } from "./world.ts";

export interface Progress {
  /** Rows so far, and the ratio of the work that is done, 0 to 1. */
  readonly at: (rows: number, ratio: number) => void;
  /** Wipes the line. */
  readonly end: () => void;
}

const redrawMs = 100;
const barMax = 30;

export function makeProgress(title: string, world: Pick<World, "err" | "errInteractive" | "columns">, clock: Pick<Clock, "monotonicMs">): Progress {
  if (!world.errInteractive) return { at: () => {}, end: () => {} };
  const startMs = clock.monotonicMs();
  let drawnMs = -Infinity;
  return {
    at(rows, ratio) {
      const nowMs = clock.monotonicMs();
      if (nowMs - drawnMs < redrawMs) return;
      drawnMs = nowMs;
      world.err(`\r\u001b[2K${progressLine(title, rows, ratio, (nowMs - startMs) / 1_000, world.columns)}`);
    },
    end: () => world.err("\r\u001b[2K"),
  };
}

/** `replay  ━━━━━━━━━━────  43 %  89,000 rows  145,000 rows/s  1 s left` */
export function progressLine(title: string, rows: number, ratio: number, seconds: number, columns: number): string {
  const done = Math.min(1, Math.max(0, ratio));
  const left = done > 0 && seconds > 1 ? `  ${Math.ceil((seconds / done) * (1 - done))} s left` : "";
  const speed = seconds > 0 ? `  ${Math.round(rows / seconds).toLocaleString("en")} rows/s` : "";
  const figures = `${String(Math.floor(100 * done)).padStart(3)} %  ${rows.toLocaleString("en")} rows${speed}${left}`;
  const bar = Math.max(0, Math.min(barMax, columns - title.length - figures.length - 5));
  const filled = Math.round(bar * done);
  return `${title}  ${"━".repeat(filled)}${"─".repeat(bar - filled)}  ${figures}`.slice(0, columns - 1);
}
