/** A whole table at once, by column. */
import type { Value } from "../../detectors/reference/reference.ts";
import { openTable } from "../../agent/offline/data.ts";
import type { ReadOptions } from "../../agent/offline/table.ts";

export async function readTable(name: string, cwd: string, options?: ReadOptions): Promise<Record<string, readonly Value[]>> {
  const table = await openTable(name, cwd);
  const found: Record<string, Value[]> = {};
  for await (const { columns } of table.batches(options)) for (const [column, values] of columns) (found[column] ??= []).push(...values);
  return found;
}
