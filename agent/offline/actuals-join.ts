/**
 * What came true, from a file of its own: joined with the data by an identifier, or row by row. Both files are read side by
 * side, and an actual waits for its row, so files of any length in about the same order join in bounded memory.
 */
import type { Value } from "../../detectors/reference/reference.ts";
import { InputError, quoted } from "./input-error.ts";
import { checkColumns, shortList } from "./roles.ts";
import type { Batch, Table } from "./table.ts";

export interface ActualsJoin {
  /** The column that holds them. */
  readonly column: string;
  /** The actuals of rows that follow each other; null where there is none. @param ids as they are written; undefined to go row by row. */
  take(rows: number, ids: readonly Value[] | undefined): Promise<readonly Value[]>;
  /** Checks what is left once all rows have been taken. Throws an InputError where the files do not belong together. */
  end(rows: number): Promise<readonly string[]>;
}

/** Actuals that wait for their rows. */
const waitingMax = 2_000_000;

/** @param column of the actuals; where undefined, the only one beside the identifier. Throws an InputError. */
export function joinActuals(table: Table, id: string | undefined, column: string | undefined): ActualsJoin {
  const { name } = table.file;
  if (id !== undefined) checkColumns(table, [["--id", id]]);
  const others = table.columns.filter((one) => one !== id);
  const actual = column !== undefined && others.includes(column) ? column : others.length === 1 ? others[0] : undefined;
  if (actual === undefined) throw new InputError(`${name}: which column is what came true? Name it with --actual; it has ${shortList(others)}`);

  const wanted = new Set(id === undefined ? [actual] : [id, actual]);
  const batches = table.batches({ columns: wanted, ...(id !== undefined && { verbatim: new Set([id]) }) })[Symbol.asyncIterator]();
  const waiting = new Map<string, Value>();
  let inOrder: Value[] = [];
  let read = 0;
  let matched = 0;

  async function next(): Promise<Batch | undefined> {
    const { done, value } = await batches.next();
    if (done === true) return undefined;
    read += value.rows;
    return value;
  }

  async function byId(ids: readonly Value[]): Promise<readonly Value[]> {
    const missing = new Set(ids.map((one) => String(one)).filter((one) => !waiting.has(one)));
    while (missing.size > 0 && waiting.size < waitingMax) {
      const batch = await next();
      if (batch === undefined) break;
      const values = batch.columns.get(actual as string) as readonly Value[];
      for (const [row, given] of (batch.columns.get(id as string) as readonly Value[]).entries()) {
        const key = String(given);
        if (given === null || given === undefined) throw new InputError(`${name}: row ${batch.first + row + 1}, column ${quoted(id as string)}: there is no identifier`);
        if (waiting.has(key)) throw new InputError(`${name}: row ${batch.first + row + 1}, column ${quoted(id as string)}: ${quoted(key)} stands there a second time`);
        waiting.set(key, values[row]);
        missing.delete(key);
      }
    }
    return ids.map((one) => {
      const key = String(one);
      if (!waiting.has(key)) return null;
      matched += 1;
      const value = waiting.get(key) ?? null;
      waiting.delete(key);
      return value;
    });
  }

  return {
    column: actual,

    async take(rows, ids) {
      if (ids !== undefined) return byId(ids);
      while (inOrder.length < rows) {
        const batch = await next();
        if (batch === undefined) throw new InputError(`${name}: has ${read} rows and the data have more; name the column that joins them with --id`);
        inOrder = inOrder.concat(batch.columns.get(actual) as readonly Value[]);
      }
      const taken = inOrder.slice(0, rows);
      inOrder = inOrder.slice(rows);
      return taken;
    },

    async end(rows) {
      if (id === undefined) {
        if (inOrder.length > 0 || (await next()) !== undefined) throw new InputError(`${name}: has more rows than the ${rows} of the data; name the column that joins them with --id`);
        return [];
      }
      await batches.return?.(undefined);
      if (matched === 0) throw new InputError(`${name}: no ${quoted(id)} of the data occurs in it; do the files belong together?`);
      return matched < rows ? [`${rows - matched} of ${rows} rows have no actual in ${name}.`] : [];
    },
  };
}
