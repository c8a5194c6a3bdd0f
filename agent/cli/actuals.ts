/** `pilotfish actuals`: true answers from a file to a running Pilotfish, in batches. */
import { resolve } from "node:path";
import { systemClock, wait } from "../clock.ts";
import type { ActualRow, PostedActual } from "./actuals-file.ts";
import type { Command } from "./command.ts";
import { CallError, control, controlHelp, controlOptions, controlUsage, type Control } from "./control.ts";
import { makeProgress } from "./progress.ts";
import { refusing } from "./refuse.ts";
import { parseOptions, UsageError } from "./usage.ts";
import { exit } from "./world.ts";

/** The API takes so many at once, and bodies of 1 MiB. */
const batchMax = { rows: 1_000, bytes: 500_000 };
const mistakesMax = 20;
const triesMax = 5;

export const actuals: Command = {
  usage: `pilotfish actuals FILE [--id COL] [--actual COL] ${controlUsage}`,
  help: `Post what came true from a file.\n\nFILE is .csv, .tsv or .jsonl (each may be .gz). It is looked through first: with a mistake in it nothing is posted, and each one is\ntold with its line. Whether an inference is known is found out later, and counted in pilotfish_actuals_total.\n\n--id COL          of the inferences' ids: inference_id by default\n--actual COL      of what came true: actual by default; in JSON lines \`actuals\` may hold one value for each row instead\n${controlHelp}\n\nExamples:\n  pilotfish actuals outcomes.csv\n  pilotfish actuals claims.jsonl.gz --id request --actual paid`,
  async run(argv, world) {
    const { values, positionals } = parseOptions(argv, { ...controlOptions, id: { type: "string", default: "inference_id" }, actual: { type: "string", default: "actual" } }, 1);
    const [name] = positionals;
    if (name === undefined) throw new UsageError("name the file");
    const kind = /\.(csv|tsv|jsonl|ndjson)(\.gz)?$/i.exec(name)?.[1]?.toLowerCase();
    if (kind === undefined) throw new UsageError(`${name}: expected a name that ends in .csv, .tsv or .jsonl, with .gz or without`);
    const file = { name, path: resolve(world.cwd, name) };
    const [{ readBytes, sizeOf }, { csvActuals, jsonActuals }, { InputError }] = await Promise.all([import("../offline/bytes.ts"), import("./actuals-file.ts"), import("../offline/input-error.ts")]);
    const columns = { id: values.id, actual: values.actual };

    return refusing("actuals", world, async () => {
      const size = await sizeOf(file);
      const rows = (onBytes?: (bytes: number) => void): AsyncGenerator<ActualRow> => {
        const bytes = readBytes(file, onBytes);
        return kind === "csv" || kind === "tsv" ? csvActuals(name, bytes, columns) : jsonActuals(bytes, columns);
      };
      const progress = makeProgress("actuals", world, systemClock);
      const mistakes: string[] = [];
      let good = 0;
      let bad = 0;
      let read = 0;
      try {
        for await (const row of rows((bytes) => (read = bytes))) {
          if ("actual" in row) good += 1;
          else if ((bad += 1) <= mistakesMax) mistakes.push(`${name}: line ${row.line}: ${row.mistake}`);
          progress.at(good + bad, read / size / 2);
        }
        if (bad > 0) throw new InputError(...mistakes, ...(bad > mistakesMax ? [`${name}: ${bad - mistakesMax} more mistakes`] : []), `${name}: nothing was posted`);
        if (good === 0) throw new InputError(`${name}: there is not a single row`);

        const api = await control(values, world);
        let accepted = 0;
        for await (const batch of batches(rows((bytes) => (read = bytes)))) {
          accepted += await post(api, batch, accepted);
          progress.at(good + accepted, 0.5 + read / size / 2);
        }
        progress.end();
        world.out(values.json ? `${JSON.stringify({ accepted })}\n` : `${accepted.toLocaleString("en")} posted\n`);
        return exit.done;
      } finally {
        progress.end();
      }
    });
  },
};

async function* batches(rows: AsyncIterable<ActualRow>): AsyncGenerator<readonly PostedActual[]> {
  let batch: PostedActual[] = [];
  let bytes = 0;
  for await (const row of rows) {
    if (!("actual" in row)) continue;
    const its = Buffer.byteLength(JSON.stringify(row.actual)) + 1;
    if (batch.length > 0 && (batch.length === batchMax.rows || bytes + its > batchMax.bytes)) {
      yield batch;
      batch = [];
      bytes = 0;
    }
    batch.push(row.actual);
    bytes += its;
  }
  if (batch.length > 0) yield batch;
}

/** An API that is asked too much says when to come again. */
async function post(api: Control, batch: readonly PostedActual[], before: number): Promise<number> {
  for (let tries = 1; ; tries += 1) {
    const { status, headers } = await api.ask("POST", "/v1/actuals", batch);
    if (status === 202) return batch.length;
    if ((status !== 429 && status !== 503) || tries === triesMax) throw new CallError(`the API answered ${status} after ${before} were posted; the same file may be posted again, what is known already does not count twice`);
    await wait(systemClock, 1_000 * Math.min(10, Number(headers["retry-after"]) || tries));
  }
}
