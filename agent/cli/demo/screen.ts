/** What a person sees of the demo: one line that moves while an act runs, a line for what happened, a table at the end. */
import type { World } from "../world.ts";
import { duration, type Claim } from "./claims.ts";

export interface Screen {
  act(title: string): void;
  /** Redrawn in place on a terminal; elsewhere at most one line in five seconds. */
  progress(text: string): void;
  happened(sinceMs: number, text: string): void;
  table(claims: readonly Claim[]): void;
  readonly say: (text: string) => void;
}

const quietMs = 5_000;

export function makeScreen(world: Pick<World, "out" | "interactive" | "columns">, monotonicMs: () => number): Screen {
  const colour = (code: number, text: string) => (world.interactive ? `\u001b[${code}m${text}\u001b[0m` : text);
  let open = false;
  let lastMs = Number.NEGATIVE_INFINITY;

  function line(text: string): void {
    world.out(`${open ? "\r\u001b[2K" : ""}${text}\n`);
    open = false;
  }

  return {
    act(title) {
      line("");
      line(colour(1, title));
    },
    progress(text) {
      if (world.interactive) {
        world.out(`\r\u001b[2K${colour(2, `  ${text}`.slice(0, world.columns - 1))}`);
        open = true;
      } else if (monotonicMs() - lastMs >= quietMs) {
        lastMs = monotonicMs();
        line(`  ${text}`);
      }
    },
    happened: (sinceMs, text) => line(`  ${colour(36, `+${duration(sinceMs)}`.padEnd(9))} ${text}`),
    table(claims) {
      const rows = claims.map(({ happened, seen, figure, limit, held }) => [happened, seen, figure, limit, held ? "held" : "NOT HELD"]);
      const head = ["what happened", "what was seen of it", "figure", "limit", "claim"];
      const widths = head.map((title, column) => Math.max(title.length, ...rows.map((row) => (row[column] as string).length)));
      const format = (cells: readonly string[]) => cells.map((cell, column) => cell.padEnd(widths[column] as number)).join("  ").trimEnd();
      line("");
      line(colour(1, format(head)));
      line(widths.map((width) => "-".repeat(width)).join("  "));
      let before = "";
      for (const row of rows) {
        const shown = format([row[0] === before ? "" : (row[0] as string), ...row.slice(1)]);
        before = row[0] as string;
        line(row[4] === "held" ? shown : colour(31, shown));
      }
    },
    say: line,
  };
}
