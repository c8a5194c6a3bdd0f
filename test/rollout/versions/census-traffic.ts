/** Census rows answered by the example's real models, watched by the real monitors, with the versions' room beside them. */
import { fileURLToPath } from "node:url";
import { InferenceSession, Tensor } from "onnxruntime-node";
import type { Judgement } from "../../../agent/judgement.ts";
import { monitors } from "../../../agent/monitors/monitors.ts";
import { monitorsOptions } from "../../../agent/monitors/options.ts";
import { readReference } from "../../../agent/monitors/reference-file.ts";
import { featureNames, inferRequest, type CensusRow } from "../../../examples/employment/rows.ts";
import { FakeClock } from "../../fake-clock.ts";
import { room } from "./room.ts";

const employment = new URL("../../../examples/employment/", import.meta.url);
const pathOf = (file: string): string => fileURLToPath(new URL(file, employment));

interface Answer {
  readonly label: number;
  readonly probabilities: readonly [number, number];
}

/** What a version says of each row. */
export async function answersOf(version: string, rows: readonly CensusRow[]): Promise<readonly Answer[]> {
  const session = await InferenceSession.create(pathOf(`models/employment/${version}/model.onnx`));
  const feeds = Object.fromEntries(featureNames.map((name) => [name, new Tensor("float32", Float32Array.from(rows, ({ features }) => features[name] as number), [rows.length, 1])]));
  const { label, probabilities } = await session.run(feeds);
  const scores = probabilities?.data as Float32Array;
  return Array.from(label?.data as BigInt64Array, (one, i) => ({ label: Number(one), probabilities: [scores[2 * i] as number, scores[2 * i + 1] as number] }));
}

const batch = 20;

/** @param lagMs between an answer and its actual. */
export async function census(lagMs: number) {
  const read = await readReference(pathOf("reference.json.gz"), "employment");
  if (!read.ok) throw new Error(read.message);
  const clock = new FakeClock();
  const watched = monitors(monitorsOptions.parse({ score: "probabilities_1", prediction: "label", falseAlarms: "1 per 30d" }), { model: "employment", reference: read.reference });
  const versions = room(clock);
  versions.made.reference(read.digest);
  const judgements: Judgement[] = [];
  const late: { readonly atMs: number; readonly id: string; readonly values: readonly number[] }[] = [];
  let ids = 0;

  function step(): void {
    clock.advance(10_000);
    while (late[0] !== undefined && late[0].atMs <= clock.monotonicMs()) {
      const { id, values } = late.shift() as (typeof late)[number];
      watched.hear({ kind: "actual", inferenceId: id, values, atWallMs: clock.wallMs() }, clock.monotonicMs(), clock.wallMs());
    }
    for (const judgement of watched.tick(clock.monotonicMs(), clock.wallMs()).judgements) {
      judgements.push(judgement);
      versions.made.judge(judgement);
    }
  }

  return {
    clock, versions, judgements,
    streams: () => [...new Set(judgements.filter(({ verdict }) => verdict !== "stable").map(({ stream }) => stream))],
    /** Asked in inferences of twenty rows, one in ten seconds. */
    async ask(version: string, rows: readonly CensusRow[]): Promise<void> {
      const answers = await answersOf(version, rows);
      for (let at = 0; at + batch <= rows.length; at += batch) {
        const some = rows.slice(at, at + batch);
        const said = answers.slice(at, at + batch);
        const id = `id-${(ids += 1)}`;
        const outputs = [
          { name: "label", datatype: "INT64", shape: [batch], data: said.map(({ label }) => label) },
          { name: "probabilities", datatype: "FP32", shape: [batch, 2], data: said.flatMap(({ probabilities }) => probabilities) },
        ];
        const now = [clock.monotonicMs(), clock.wallMs()] as const;
        const one = { inferenceId: id, model: "employment", version, rung: "primary", atWallMs: now[1] };
        watched.hear({ ...one, kind: "sample", protocol: "open-inference", request: Buffer.from(JSON.stringify(inferRequest(some))), response: Buffer.from(JSON.stringify({ model_name: "employment", model_version: version, outputs })) }, ...now);
        watched.hear({ kind: "exchange", inference: true, model: "employment", rung: "primary", reason: "normal", outcome: "ok", attempts: 1, durationMs: 3 }, ...now);
        versions.made.answered(version);
        late.push({ atMs: now[0] + lagMs, id, values: some.map(({ employed }) => employed) });
        step();
      }
    },
    /** Nobody asks. */
    pass(minutes: number): void {
      for (let i = 0; i < 6 * minutes; i += 1) step();
    },
  };
}
