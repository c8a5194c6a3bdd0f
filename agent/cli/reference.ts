/** `pilotfish reference`: what normal looked like, made of a file of data. */
import { basename, resolve } from "node:path";
import { systemClock } from "../clock.ts";
import { featuriserHelp, featuriserOptions, openNamed, parseFeaturiser } from "./featuriser.ts";
import { makeProgress } from "./progress.ts";
import { refusing } from "./refuse.ts";
import { roleOptions, rolesHelp } from "./roles.ts";
import { parseOptions, UsageError } from "./usage.ts";
import { exit, type World } from "./world.ts";

const problems = ["binary", "multiclass", "regression"] as const;

export const reference = {
  usage: "pilotfish reference DATA [--score COL] [--prediction COL] [--actual COL] [--timestamp COL] -o FILE",
  help: `Make a reference from data: what normal looked like.\n\nDATA is .csv, .tsv, .jsonl (each may be .gz) or .parquet, of any size; it is read twice. In CSV an empty field, NA, null and\nNone are null, and a column is numeric if nearly all its values are numbers.\n\n${rolesHelp}\n--ignore COL,...  columns that are nothing to the model; identifiers are found and left out without it\n--model NAME      of the model, as in the config; the file's name where it is not given\n--problem         ${problems.join(", ")}; found from score and actual where it is not given\n--chunk ROWS      rows of the chunks by which performance is judged later; a tenth of all where it is not given\n${featuriserHelp}\n-o, --output FILE the reference: .json or .json.gz; written whole or not at all\n--json            the summary as JSON\n\nExamples:\n  pilotfish reference train.csv --score probability --actual label -o reference.json.gz`,
  async run(argv: readonly string[], world: World): Promise<number> {
    const { values, positionals } = parseOptions(
      argv,
      { ...roleOptions, ...featuriserOptions, ignore: { type: "string", multiple: true }, model: { type: "string" }, problem: { type: "string" }, chunk: { type: "string" }, output: { type: "string", short: "o" }, json: { type: "boolean", default: false } },
      1,
    );
    const [data] = positionals;
    const { score, prediction, actual, timestamp, output } = values;
    if (data === undefined) throw new UsageError("name the data");
    if (output === undefined) throw new UsageError("name the file to write with -o FILE");
    if (!/\.json(\.gz)?$/.test(output)) throw new UsageError(`-o ${output}: expected a name that ends in .json or .json.gz`);
    const problem = problems.find((one) => one === values.problem);
    if (problem !== values.problem) throw new UsageError(`--problem: expected ${problems.join(", ")}, got "${values.problem}"`);
    const chunkRows = values.chunk === undefined ? undefined : Number(values.chunk);
    if (chunkRows !== undefined && !(Number.isSafeInteger(chunkRows) && chunkRows > 0)) throw new UsageError(`--chunk: expected a number of rows, got "${values.chunk}"`);

    const named = parseFeaturiser(values, world);

    // Loaded here and not with the daemon, which has no use for it.
    const [{ openTable }, { makeReference }, { summarise, summaryText }, { writeReference }] = await Promise.all([
      import("../offline/data.ts"),
      import("../offline/make-reference.ts"),
      import("../offline/reference-summary.ts"),
      import("../monitors/reference-file.ts"),
    ]);
    return refusing("reference", world, async () => {
      const table = await openTable(data, world.cwd);
      const featuriser = named && (await openNamed(named));
      const progress = makeProgress("reference", world, systemClock);
      const made = await makeReference({
        table,
        model: values.model ?? basename(data).replace(/(\.[a-z]+)(\.gz)?$/i, ""),
        roles: { ...(score !== undefined && { score }), ...(prediction !== undefined && { prediction }), ...(actual !== undefined && { actual }), ...(timestamp !== undefined && { timestamp }) },
        ignore: (values.ignore ?? []).flatMap((names) => names.split(",")).filter((name) => name !== ""),
        problem,
        chunkRows,
        featuriser,
        onProgress: (rows, bytes) => progress.at(rows, bytes / (2 * table.bytes)),
      }).finally(progress.end);
      await featuriser?.close();
      try {
        await writeReference(resolve(world.cwd, output), made.reference);
      } catch (error) {
        world.err(`pilotfish reference: ${output}: can not be written: ${error instanceof Error ? error.message : String(error)}\n`);
        return exit.failed;
      }
      const summary = summarise(made.reference, made.notes);
      world.out(values.json ? `${JSON.stringify({ file: output, ...summary }, null, 2)}\n` : summaryText(summary, world.columns));
      return exit.done;
    });
  },
};
