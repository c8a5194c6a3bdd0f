/** `pilotfish replay`: what would have happened, had these data been traffic? */
import { resolve } from "node:path";
import { systemClock } from "../clock.ts";
import { parseFalseAlarmBudget } from "../units.ts";
import type { Reference } from "../../detectors/reference/reference.ts";
import type { Featuriser } from "../featuriser/featuriser.ts";
import { openKnown } from "./featuriser.ts";
import { makeProgress } from "./progress.ts";
import { refusing } from "./refuse.ts";
import { roleOptions, rolesHelp } from "./roles.ts";
import { parseOptions, UsageError } from "./usage.ts";
import { exit, type World } from "./world.ts";

export const replay = {
  usage: "pilotfish replay DATA --reference FILE [--chunk ROWS|day|week|month] [--actuals FILE --id COL] [--json] [--html FILE]",
  help: `Play data against a reference: drift per feature, performance, and every alarm that would have fired.\n\nDATA is .csv, .tsv, .jsonl (each may be .gz) or .parquet, of any size. The alarms are those of the code that watches live\ntraffic; the data's times turn its clock, or ten rows come a second.\n\n--reference FILE  of \`pilotfish reference\`, which also knows the columns of score, prediction, actual and timestamp\n--chunk           a number of rows, or day, week, month (UTC); about forty chunks of at least 1,000 rows without it\n--actuals FILE    what came true, in a file of its own; --id COL joins it, without it both have the same rows\n--false-alarms    how many are acceptable: "1 per 30d", or "1 per 1e6 samples" where rows have no times\n--featuriser FILE the ONNX model that the reference was made with, if it was\n${rolesHelp}\n--html FILE       a report to look at, in one file\n--json            {rows, chunks, alarms}; a measure that does not apply is absent\n\nExamples:\n  pilotfish replay march.parquet --reference reference.json.gz --chunk day --html march.html`,
  async run(argv: readonly string[], world: World): Promise<number> {
    const { values, positionals } = parseOptions(
      argv,
      { ...roleOptions, reference: { type: "string" }, featuriser: { type: "string" }, chunk: { type: "string" }, actuals: { type: "string" }, id: { type: "string" }, "false-alarms": { type: "string" }, json: { type: "boolean", default: false }, html: { type: "string" } },
      1,
    );
    const [data] = positionals;
    if (data === undefined) throw new UsageError("name the data");
    if (values.reference === undefined) throw new UsageError("name the reference with --reference FILE; `pilotfish reference` makes one");
    if (values.id !== undefined && values.actuals === undefined) throw new UsageError("--id joins the data with --actuals FILE; name that too");
    const falseAlarms = values["false-alarms"] === undefined ? undefined : parseFalseAlarmBudget(values["false-alarms"]);
    if (falseAlarms === undefined && values["false-alarms"] !== undefined) {
      throw new UsageError(`--false-alarms: expected a budget such as "1 per 30d" or "1 per 1e6 samples" (at least 100 samples an alarm), got "${values["false-alarms"]}"`);
    }

    // Loaded here and not with the daemon, which has no use for it.
    const [{ parseChunking }, { openTable }, { joinActuals }, { replay: play }, { readReference }, { InputError }] = await Promise.all([
      import("../offline/chunks.ts"),
      import("../offline/data.ts"),
      import("../offline/actuals-join.ts"),
      import("../offline/replay.ts"),
      import("../monitors/reference-file.ts"),
      import("../offline/input-error.ts"),
    ]);
    const chunking = values.chunk === undefined ? undefined : parseChunking(values.chunk);
    if (chunking === undefined && values.chunk !== undefined) throw new UsageError(`--chunk: expected a number of rows, day, week or month, got "${values.chunk}"`);

    return refusing("replay", world, async () => {
      const read = await readReference(resolve(world.cwd, values.reference as string));
      if (!read.ok) throw new InputError(read.message);
      const { reference, featuriser, note } = await played(read.reference, values.featuriser, world);
      const opened = await openTable(data, world.cwd);
      const table = featuriser === undefined ? opened : (await import("../offline/featurised-table.ts")).featurisedTable(opened, featuriser);
      const roles = { ...reference.columns, ...Object.fromEntries(Object.keys(roleOptions).flatMap((role) => (values[role as keyof typeof roleOptions] === undefined ? [] : [[role, values[role as keyof typeof roleOptions]]]))) };
      // Data of which nobody knows yet what came true have no such column.
      if (values.actual === undefined && values.actuals === undefined && roles.actual !== undefined && !table.columns.includes(roles.actual)) delete roles.actual;
      const actuals = values.actuals === undefined ? undefined : { id: values.id, join: joinActuals(await openTable(values.actuals, world.cwd), values.id, roles.actual) };

      const progress = makeProgress("replay", world, systemClock);
      const replayed = await play({ table, reference, roles, chunking, falseAlarms, actuals, onProgress: (rows, bytes) => progress.at(rows, bytes / table.bytes) }).finally(progress.end);
      await featuriser?.close();
      const told = { ...replayed, notes: [...replayed.notes, ...note] };
      if (values.html !== undefined) {
        const [{ report }, { writeFile, rename }] = await Promise.all([import("../offline/report.ts"), import("node:fs/promises")]);
        const path = resolve(world.cwd, values.html);
        try {
          await writeFile(`${path}.part`, report(told, { model: reference.model, data, referenceRows: reference.rows, thinning: reference.thinning ?? 1, madeAtMs: systemClock.wallMs() }));
          await rename(`${path}.part`, path);
        } catch (error) {
          world.err(`pilotfish replay: ${values.html}: can not be written: ${error instanceof Error ? error.message : String(error)}\n`);
          return exit.failed;
        }
      }
      const { rows, chunks, alarms, notes } = told;
      if (values.json) {
        for (const note of notes) world.err(`note: ${note}\n`);
        world.out(`${JSON.stringify({ rows, chunks, alarms }, null, 2)}\n`);
      } else {
        const { replayText } = await import("../offline/replay-text.ts");
        world.out(replayText(told, world.columns));
      }
      return exit.done;
    });
  },
};

/** The reference as it can be played, with what makes its columns that are in no data. */
async function played(reference: Reference, model: string | undefined, world: Pick<World, "cwd">): Promise<{ readonly reference: Reference; readonly featuriser?: Featuriser; readonly note: readonly string[] }> {
  if (model !== undefined) return { reference, featuriser: await openKnown(reference, model, world), note: [] };
  if (reference.featuriser === undefined) return { reference, note: [] };
  const [{ withoutDerived }, { InputError }] = await Promise.all([import("../featuriser/derived.ts"), import("../offline/input-error.ts")]);
  const own = withoutDerived(reference);
  if (own.features.length === 0) throw new InputError("every feature of the reference is a featuriser's; name its model with --featuriser");
  return { reference: own, note: ["The reference has columns of a featuriser, which were not played; name its model with --featuriser."] };
}
