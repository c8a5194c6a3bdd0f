/** A table with the columns that a featuriser makes of its rows, behind its own. */
import type { Value } from "../../detectors/reference/reference.ts";
import type { Featuriser } from "../featuriser/featuriser.ts";
import { InputError } from "./input-error.ts";
import type { Batch, Table } from "./table.ts";

/** Rows are read as often as they are asked for, and go through the model each time that one of its columns is. */
export function featurisedTable(table: Table, featuriser: Featuriser): Table {
  const { names, origin } = featuriser;
  const taken = names.find((name) => table.columns.includes(name));
  if (taken !== undefined) throw new InputError(`${table.file.name}: there is a column ${taken} already, which the featuriser would make`);

  const withMade = async ({ first, rows, columns }: Batch, wanted: ReadonlySet<string> | undefined): Promise<Batch> => {
    const made = await featuriser.features(columns, rows).catch((error: unknown) => {
      throw new InputError(`${table.file.name}: rows ${first + 1} to ${first + rows}: ${error instanceof Error ? error.message : String(error)}`);
    });
    const all = new Map<string, readonly Value[]>([...columns, ...made.map(({ name, values }) => [name, values] as const)]);
    return { first, rows, columns: wanted === undefined ? all : new Map([...all].filter(([name]) => wanted.has(name))) };
  };

  return {
    ...table,
    columns: [...table.columns, ...names],
    countRows: () => table.countRows(),
    async *batches(options = {}) {
      const { columns: wanted } = options;
      const inputs = origin.columns.filter((name) => table.columns.includes(name));
      const read = wanted && new Set([...[...wanted].filter((name) => !names.includes(name)), ...inputs]);
      for await (const batch of table.batches({ ...options, columns: read })) {
        yield wanted === undefined || names.some((name) => wanted.has(name)) ? await withMade(batch, wanted) : batch;
      }
    },
  };
}
