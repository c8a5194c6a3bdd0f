/** A replay for a terminal: what moved, worst first; how well the model did; which alarms fired. */
import { rankFeatures } from "./ranking.ts";
import { headline } from "./chunk-performance.ts";
import type { Replay } from "./replay.ts";
import { count, cut, short, textTable, wrapped } from "./text-table.ts";

const featuresMax = 30;
const alarmsMax = 20;

/** @param width of the terminal in columns. */
export function replayText(replay: Replay, width: number): string {
  const { rows, chunks, alarms, notes, causes } = replay;
  const ranked = rankFeatures(replay);
  const shown = ranked.slice(0, featuresMax);
  const each = typeof replay.chunking === "object" ? `${count(replay.chunking.rows)} rows` : `a ${replay.chunking}`;
  const table = textTable(
    [
      { title: "feature", align: "left" },
      { title: "alarms", align: "right" },
      { title: "first alarm", align: "right" },
      { title: "distance", align: "right" },
      { title: "by chance", align: "right" },
      { title: "in chunk", align: "right" },
      { title: "over chunks", align: "left" },
    ],
    shown.map(({ reference, alarms: own, firstAlarm, distances, noise, worst }) => [
      cut(reference.name, 30),
      own === 0 ? "-" : String(own),
      firstAlarm === undefined ? "-" : `row ${count(firstAlarm)}`,
      short(Number((distances[worst] ?? 0).toFixed(3))),
      short(Number(noise.toFixed(3))),
      String(worst),
      sparkline(distances, Math.max(10, width - 90)),
    ]),
    width,
  );
  const firstCauses = new Map(causes.toReversed().map(({ chunk, feature, message }) => [`${feature}: ${message}`, chunk]));
  const more = ranked.length > shown.length ? [`and ${ranked.length - shown.length} features that moved less; --json and --html have them all`] : [];
  return [
    `${count(rows)} rows in ${chunks.length} ${chunks.length === 1 ? "chunk" : "chunks"} of ${each}, ${alarms.length} ${alarms.length === 1 ? "alarm" : "alarms"}`,
    "",
    table,
    ...more,
    "",
    ...performanceLines(replay),
    ...[...firstCauses].map(([cause, chunk]) => wrapped(`cause, first in chunk ${chunk}: ${cause}`, width)),
    ...alarms.slice(0, alarmsMax).map(({ row, time, kind, message }) => wrapped(`alarm at row ${count(row)}${time === undefined ? "" : ` (${time})`}, ${kind}: ${message}`, width)),
    ...(alarms.length > alarmsMax ? [`and ${alarms.length - alarmsMax} alarms more`] : []),
    ...notes.map((note) => `note: ${note}`),
    "",
  ].join("\n");
}

function performanceLines({ chunks, bands }: Replay): readonly string[] {
  return (["estimated", "realised"] as const).flatMap((kind) => {
    const figures = chunks.map(({ performance }) => performance[kind]);
    const name = figures.map((one) => one && headline(one)).find((one) => one !== undefined);
    if (name === undefined) return [];
    const values = figures.map((one) => one?.[name]?.value);
    const known = values.filter((value) => value !== undefined);
    const band = bands[kind][name];
    const normal = band === undefined ? "" : `, normally ${band.lower.toFixed(3)} to ${band.upper.toFixed(3)}`;
    return [`${kind} ${name}: ${short(Math.min(...known))} to ${short(Math.max(...known))}${normal}  ${sparkline(values, 40, Math.min)}`, ""];
  });
}

const levels = "▁▂▃▄▅▆▇█";

/** @param most characters: neighbours share one where there are more values. @param pick which of them is shown. */
export function sparkline(values: readonly (number | undefined)[], most: number, pick: (...values: number[]) => number = Math.max): string {
  const per = Math.ceil(values.length / most);
  const groups = Array.from({ length: Math.ceil(values.length / per) }, (_, group) => values.slice(group * per, (group + 1) * per).filter((value) => value !== undefined));
  const known = values.filter((value) => value !== undefined);
  const low = Math.min(...known);
  const high = Math.max(...known);
  return groups
    .map((group) => {
      if (group.length === 0) return " ";
      const level = high > low ? (pick(...group) - low) / (high - low) : 0;
      return levels[Math.min(levels.length - 1, Math.floor(level * levels.length))];
    })
    .join("");
}
