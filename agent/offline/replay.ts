/**
 * Plays data against a reference, chunk by chunk: how far each feature lies from it, how well the model does, and every
 * alarm that would have fired. One pass; memory is bounded by the chunk, and of a long chunk by samples of it.
 */
import type { AlertBand } from "../../detectors/performance/alert-band.ts";
import { causesOf } from "../../detectors/quality/causes.ts";
import type { Cause } from "../../detectors/quality/cause.ts";
import type { FeatureReference, Reference, Value } from "../../detectors/reference/reference.ts";
import type { FalseAlarmBudget } from "../units.ts";
import type { ActualsJoin } from "./actuals-join.ts";
import { bandsOf, chunkPerformance, performanceAlarms } from "./chunk-performance.ts";
import { chunkingFor, periodOf, type Chunking } from "./chunks.ts";
import { addValues, startWindow, type FeatureWindow } from "./feature-window.ts";
import { InputError } from "./input-error.ts";
import { liveAlarms, type Span } from "./live-alarms.ts";
import { comparedCells, measuresOf } from "./measures.ts";
import type { ChunkResult, Replayed, ReplayAlarm } from "./replay-result.ts";
import { checkColumns, rolesNamed, scoreColumns, type Roles } from "./roles.ts";
import { timesOf } from "./row-times.ts";
import type { Table } from "./table.ts";
import { isoTime } from "./times.ts";
import { checkKinds } from "./value-kinds.ts";

export interface ReplayOptions {
  readonly table: Table;
  readonly reference: Reference;
  /** In the data; those of the reference where they are not given. */
  readonly roles: Roles;
  /** About forty chunks where it is not given. */
  readonly chunking?: Chunking | undefined;
  /** "1 per 30d" where rows have times, "1 per 1e6 samples" where they have none. */
  readonly falseAlarms?: FalseAlarmBudget | undefined;
  readonly actuals?: { readonly join: ActualsJoin; readonly id: string | undefined } | undefined;
  /** Hears how many rows and bytes have been read so far. */
  readonly onProgress?: ((rows: number, bytes: number) => void) | undefined;
}

export interface Replay extends Replayed {
  readonly chunking: Chunking;
  readonly falseAlarms: FalseAlarmBudget;
  /** What a person should know of the data. */
  readonly notes: readonly string[];
  /** The features, and score and prediction where the reference has them. */
  readonly streams: readonly Stream[];
  /** Per chunk what was counted of each stream, over the cells that distances are taken over (`comparedCells`). */
  readonly shapes: readonly ReadonlyMap<string, ArrayLike<number>>[];
  /** Within which each figure of a whole chunk may lie. */
  readonly bands: { readonly estimated: Readonly<Record<string, AlertBand>>; readonly realised: Readonly<Record<string, AlertBand>> };
  readonly spans: readonly Span[];
  /** Why features look different, where it is the data's handling: as found at the end of a chunk that features alarmed in. */
  readonly causes: readonly (Cause & { readonly chunk: number })[];
}

export interface Stream {
  readonly reference: FeatureReference;
  /** What alarms call it; undefined for the prediction, which is not watched by itself. */
  readonly alarmName: string | undefined;
}

const monthMs = 30 * 86_400_000;

/** Throws an InputError that names row and column for what can not be replayed. */
export async function replay({ table, reference, roles, actuals, onProgress, ...options }: ReplayOptions): Promise<Replay> {
  const { score, prediction, actual, timestamp } = roles;
  const streams = streamsOf(reference);
  checkColumns(table, [
    ...reference.features.map(({ name }) => ["a feature of the reference", name] as const),
    ...rolesNamed({ ...roles, actual: actuals === undefined ? actual : undefined }),
    ...(actuals?.id === undefined ? [] : [["--id", actuals.id] as const]),
  ]);
  const chunking = options.chunking ?? chunkingFor(await table.countRows());
  if (typeof chunking === "string" && timestamp === undefined) throw new InputError(`--chunk ${chunking}: rows have no times; name their column with --timestamp`);
  const falseAlarms = options.falseAlarms ?? (timestamp === undefined ? { alarms: 1, perSamples: 1e6 } : { alarms: 1, perMs: monthMs });
  if ("perMs" in falseAlarms && timestamp === undefined) {
    throw new InputError('--false-alarms: rows have no times, so the budget must be in samples, such as "1 per 1e6 samples"; or name the column of times with --timestamp');
  }

  const live = liveAlarms(reference, falseAlarms);
  const chunks: ChunkResult[] = [];
  const shapes: ReadonlyMap<string, ArrayLike<number>>[] = [];
  const alarms: ReplayAlarm[] = [];
  const causes: (Cause & { readonly chunk: number })[] = [];
  const period = periodOf(chunking);
  const performance = chunkPerformance(reference.estimator, roles, actuals !== undefined || actual !== undefined);
  const id = actuals?.id;
  const wanted = new Set([...streams.map((stream) => stream.reference.name), ...scoreColumns(score), ...[prediction, actuals === undefined ? actual : undefined, timestamp, id].filter((name) => name !== undefined)]);
  const verbatim = new Set([timestamp, id].filter((name) => name !== undefined && !streams.some((stream) => stream.reference.name === name)) as string[]);

  let open: OpenChunk | undefined;
  let rows = 0;
  let bytes = 0;
  let late = 0;
  let latestMs = -Infinity;

  const close = (isLast: boolean): void => {
    if (open === undefined) return;
    const { windows, first, period: _, ...times } = open;
    const figures = performance.take();
    const chunk: ChunkResult = {
      index: chunks.length,
      first,
      last: rows - 1,
      ...times,
      ...(isLast && typeof chunking === "object" && rows - first < chunking.rows && { short: true as const }),
      features: Object.fromEntries(streams.map(({ reference: stream }) => [stream.name, measuresOf(stream, windows.get(stream.name) as FeatureWindow)])),
      performance: figures,
    };
    chunks.push(chunk);
    shapes.push(new Map(streams.map(({ reference: stream }) => [stream.name, comparedCells(stream, windows.get(stream.name) as FeatureWindow).window])));
    alarms.push(...performanceAlarms(reference, chunk));
    const moved = new Set(live.alarms.filter(({ row }) => row >= first).map(({ feature }) => feature));
    if (moved.size > 0) {
      const found = causesOf(reference.features.map((feature) => ({ reference: feature, values: windows.get(feature.name)?.latest ?? [] })));
      causes.push(...found.filter(({ feature }) => moved.has(feature)).map((cause) => ({ ...cause, chunk: chunk.index })));
    }
    open = undefined;
  };

  for await (const batch of table.batches({ columns: wanted, verbatim, onBytes: (count) => (bytes = count) })) {
    if (batch.first === 0) checkKinds(table.file.name, reference.features, batch.columns);
    const times = timestamp === undefined ? undefined : timesOf(table.file.name, timestamp, batch);
    const truth = actuals === undefined ? (actual === undefined ? undefined : batch.columns.get(actual)) : await actuals.join.take(batch.rows, id === undefined ? undefined : batch.columns.get(id));
    for (const atMs of times ?? []) {
      if (atMs < latestMs) late += 1;
      else latestMs = atMs;
    }
    for (let from = 0, to = 0; from < batch.rows; from = to) {
      const here = period(batch.first + from, times?.[from]);
      if (open !== undefined && open.period !== here) close(false);
      open ??= { period: here, first: batch.first + from, windows: new Map(streams.map((stream) => [stream.reference.name, startWindow(stream.reference)])), ...(times && { start: isoTime(times[from] as number) }) };
      to = from + 1;
      while (to < batch.rows && period(batch.first + to, times?.[to]) === here) to += 1;

      for (const { reference: stream } of streams) addValues(stream, open.windows.get(stream.name) as FeatureWindow, batch.columns.get(stream.name) ?? [], from, to);
      performance.add(batch.columns, truth, from, to);
      const part = <Item>(values: readonly Item[] | undefined) => values?.slice(from, to);
      live.hear({
        first: batch.first + from,
        rows: to - from,
        columns: new Map(reference.features.map(({ name }) => [name, part(batch.columns.get(name)) as readonly Value[]])),
        scores: reference.score && part(batch.columns.get(reference.score.name)),
        predictions: prediction === undefined ? undefined : part(batch.columns.get(prediction)),
        actuals: part(truth),
        times: times?.subarray(from, to),
      });
      rows = batch.first + to;
      if (times !== undefined) open.end = isoTime(times[to - 1] as number);
    }
    onProgress?.(rows, bytes);
  }
  close(true);
  live.end();
  if (rows === 0) throw new InputError(`${table.file.name}: there is not a single row`);
  const notes = [
    ...(late > 0 ? [`${late} rows are older than a row before them; they count in the chunk they lie in.`] : []),
    ...((await actuals?.join.end(rows)) ?? []),
  ];
  const rowsUsual = chunks[Math.floor((chunks.length - 1) / 2)] as ChunkResult;
  return {
    rows,
    chunks,
    alarms: [...live.alarms, ...alarms].sort((a, b) => a.row - b.row),
    chunking,
    falseAlarms,
    notes,
    streams,
    shapes,
    bands: {
      estimated: bandsOf(reference.estimator, "estimated", rowsUsual.last - rowsUsual.first + 1),
      realised: bandsOf(reference.estimator, "realised", rowsUsual.last - rowsUsual.first + 1),
    },
    spans: live.spans,
    causes,
  };
}

function streamsOf({ features, score, prediction }: Reference): readonly Stream[] {
  return [
    ...features.map((reference) => ({ reference, alarmName: reference.name })),
    ...(score === undefined ? [] : [{ reference: score, alarmName: "score" }]),
    ...(prediction === undefined ? [] : [{ reference: prediction, alarmName: undefined }]),
  ];
}

interface OpenChunk {
  readonly period: number;
  readonly first: number;
  readonly windows: ReadonlyMap<string, FeatureWindow>;
  readonly start?: string;
  end?: string;
}
