/**
 * A window as the table that is written: its columns under names of their own, each of one type, redacted. Read piece by piece,
 * so that never more than one of them stands as plain values in memory.
 */
import type { Value } from "../../protocols/protocol.ts";
import { seen } from "./column.ts";
import type { Treatment } from "./redact.ts";
import type { Piece, Source } from "./window.ts";

/** `mixed`: of several kinds of values, which become their text in Parquet. `time`: milliseconds since 1970-01-01 UTC. */
export type ColumnType = "number" | "text" | "boolean" | "time" | "mixed";

export interface TableColumn {
  /** In the file. */
  readonly name: string;
  readonly source: Source;
  /** As the request or the answer calls it. */
  readonly of: string;
  readonly type: ColumnType;
  readonly action: Treatment["action"];
}

export interface Table {
  readonly columns: readonly TableColumn[];
  readonly rows: number;
  /** Groups of rows, in order, each as values by column. */
  readonly groups: () => Iterable<{ readonly rows: number; readonly values: readonly (readonly Value[])[] }>;
  /** Rows with their true answer among the groups that were read. */
  readonly actuals: () => number;
}

const prefix = { pilotfish: "pilotfish_", request: "", answer: "answer_" } as const satisfies Record<Source, string>;

/**
 * @param treatmentOf what becomes of a column by its names.
 * @returns the inference's own columns first, then requests', then answers', each in the order in which they were seen. Where two
 * would have one name, the later one gets `_2`, `_3`, ... behind it.
 */
export function tableOf(pieces: readonly Piece[], treatmentOf: (names: readonly string[], own: boolean) => Treatment): Table {
  const found = (["pilotfish", "request", "answer"] as const).flatMap((source) => {
    const kinds = new Map<string, number>();
    for (const piece of pieces) for (const [name, column] of piece.columns[source]) kinds.set(name, (kinds.get(name) ?? 0) | column.seen);
    return [...kinds].map(([of, seenOf]) => ({ source, of, kinds: seenOf }));
  });
  const taken = new Set<string>();
  const columns = found.flatMap(({ source, of, kinds }) => {
    const wanted = prefix[source] + of;
    let name = wanted;
    for (let i = 2; taken.has(name); i += 1) name = `${wanted}_${i}`;
    const { action, apply } = treatmentOf([of, name], source === "pilotfish");
    if (action === "drop") return [];
    taken.add(name);
    const type = action === "hash" ? "text" : source === "pilotfish" && of === "time" ? "time" : typeOf(kinds);
    return [{ shown: { name, source, of, type, action } satisfies TableColumn, apply }];
  });
  // The last piece grows and old ones may go while a file is written: what is written is what is there now.
  const fixed = pieces.map((piece) => ({ piece, rows: piece.rows }));
  let actuals = 0;
  return {
    actuals: () => actuals,
    columns: columns.map(({ shown }) => shown),
    rows: fixed.reduce((sum, { rows }) => sum + rows, 0),
    *groups() {
      for (const { piece, rows } of fixed) {
        for (let row = 0; row < rows; row += 1) if (piece.get("pilotfish", "actual", row) !== null) actuals += 1;
        yield { rows, values: columns.map(({ shown, apply }) => Array.from({ length: rows }, (_, row) => apply(piece.get(shown.source, shown.of, row)))) };
      }
    },
  };
}

function typeOf(kinds: number): ColumnType {
  if (kinds === seen.number) return "number";
  if (kinds === seen.boolean) return "boolean";
  return kinds === seen.text || kinds === 0 ? "text" : "mixed";
}
