/** `pilotfish score`: how strange is each value of a metric series? */
import type { ScoredRow } from "../offline/score.ts";
import { inputOf, refusing } from "./refuse.ts";
import { parseOptions } from "./usage.ts";
import { exit, type World } from "./world.ts";

export const score = {
  usage: "pilotfish score [FILE] [--json]",
  help: 'Score each value of a metric series, 0 (as ever) to 1 (never seen).\n\nReads CSV `timestamp,value` from FILE or standard input and writes `timestamp,score`, a line for each row as soon as it\ncomes; each score is made from that row and earlier ones only. A header is kept; columns are found by its names.\nTimestamps: ISO 8601, "2026-03-01 12:30:00", or seconds to nanoseconds since 1970. A value that is empty or NaN is a gap.\n\n--json writes {"timestamp", "score", "kind", "message"?} a line: kind is what is strange, such as spike or level-shift.\n\nExamples:\n  pilotfish score latency.csv > scores.csv',
  async run(argv: readonly string[], world: World): Promise<number> {
    const { values, positionals } = parseOptions(argv, { json: { type: "boolean", default: false } }, 1);
    const { scoreSeries } = await import("../offline/score.ts");
    return refusing("score", world, async () => {
      const { name, bytes } = await inputOf(positionals[0], world);
      let headed = false;
      for await (const { hasHeader, rows } of scoreSeries(name, bytes)) {
        if (hasHeader && !headed && !values.json) world.out("timestamp,score\n");
        headed = true;
        world.out(rows.map(values.json ? jsonLine : csvLine).join(""));
        await world.written();
      }
      return exit.done;
    });
  },
};

function csvLine({ timestamp, score: strange }: ScoredRow): string {
  return `${/[",;\t\n]/.test(timestamp) ? `"${timestamp.replaceAll('"', '""')}"` : timestamp},${strange}\n`;
}

function jsonLine(row: ScoredRow): string {
  return `${JSON.stringify(row)}\n`;
}
