/**
 * The one store of series. Rooms record into it, the Prometheus handler and OTLP read from it, and nothing else keeps a
 * number that the world is told.
 *
 * It stands behind OpenTelemetry's MetricProducer and not on the SDK's own instruments, because those sort and serialise the
 * labels at each record (98 to 709 ns, measured; here a bound series costs about 10), keep series for ever whose source has
 * gone silent, and let one stuck callback hang a scrape. Nothing of the SDK is loaded here: all imports from it are types.
 *
 * Bounds. An instrument holds `seriesMax` label sets. What is added beyond goes to one overflow series whose only label is
 * `otel.metric.overflow`, as OpenTelemetry specifies, so totals stay right. Levels beyond (gauges, totals that collectors
 * read) are let go, since the last of many sources is nobody's level. Each refusal counts in `pilotfish.dropped{what="series"}`.
 */
import { setImmediate } from "node:timers/promises";
import type { Attributes, HrTime } from "@opentelemetry/api";
import type { CollectionResult, MetricData, MetricProducer } from "@opentelemetry/sdk-metrics";
import type { Clock } from "../agent/clock.ts";
import type { Point } from "../agent/observation.ts";
import { ExponentialHistogram } from "./exponential-histogram.ts";
import { hrTime } from "./hr-time.ts";
import { instruments, type AnyInstrument, type Instrument, type LabelOf, type LabelsOf } from "./instruments.ts";
import { metricData } from "./metric-data.ts";
import type { Exemplar, FamilyView, SeriesView, TraceIds } from "./series-view.ts";

export interface Counter {
  /** Adds `n`, 1 by default. What is negative or no number is let go and counted. */
  add(n?: number): void;
}

export interface Gauge {
  /** NaN is no level: it removes the series. */
  set(value: number): void;
  remove(): void;
}

export interface Histogram {
  /** What is negative or no number is let go and counted. A trace that is given becomes its bucket's exemplar. */
  record(seconds: number, trace?: TraceIds): void;
}

export interface MeterOptions {
  /** Label sets an instrument may have; OpenTelemetry's own default. */
  readonly seriesMax?: number;
  /** Keeps every histogram as a base-2 exponential one too, for OTLP: 1.3 KB a series and about 60 ns a value. Off by default. */
  readonly exponential?: boolean;
}

type Labels = Readonly<Record<string, string>>;

interface Series extends SeriesView {
  /** False once it was removed: whoever still holds it binds anew. */
  seated: boolean;
  /** Gone at this monotonic time unless written again. */
  expiresMs: number;
  startTime: HrTime;
  value: number;
  exemplars: (ExemplarSlot | undefined)[] | undefined;
}

type ExemplarSlot = { -readonly [Field in keyof Exemplar]: Exemplar[Field] };

interface Family {
  readonly instrument: AnyInstrument;
  readonly bounds: number[];
  readonly series: Map<string, Series>;
  overflow: Series | undefined;
}

/** A label value that is longer is cut. */
const labelLengthMax = 256;
const overflowAttributes: Attributes = { "otel.metric.overflow": true };
const noCounts = new Float64Array(0);
/** So many are collected before others run. */
const turnSeries = 1_000;

/** The resource belongs to whoever exports: readers ignore a producer's. */
const noResource: CollectionResult["resourceMetrics"]["resource"] = {
  attributes: {},
  merge: (other) => other ?? noResource,
  getRawAttributes: () => [],
};

export class Meter implements MetricProducer {
  readonly #clock: Clock;
  readonly #seriesMax: number;
  readonly #exponential: boolean;
  readonly #families = new Map<string, Family>();
  readonly #refusedSeries: Counter;
  readonly #refusedValues: Counter;

  constructor(clock: Clock, { seriesMax = 2_000, exponential = false }: MeterOptions = {}) {
    if (!(seriesMax >= 2)) throw new RangeError(`Meter: seriesMax must be at least 2, got ${seriesMax}`);
    this.#clock = clock;
    this.#seriesMax = seriesMax;
    this.#exponential = exponential;
    this.#refusedSeries = this.counter(instruments.dropped, { what: "series" });
    this.#refusedValues = this.counter(instruments.dropped, { what: "values" });
  }

  /** Binds a counter; it is exported from now on, as 0. Binding costs a Map lookup: keep what is bound where it is hot. */
  counter<I extends Instrument<"counter">>(instrument: I, labels: LabelsOf<I>): Counter {
    const family = this.#family(instrument);
    const key = keyOf(instrument, labels);
    let series = this.#seatOrOverflow(family, key, labels);
    return {
      add: (n = 1) => {
        if (!(n >= 0 && n < Infinity)) return this.#refusedValues.add();
        if (!series.seated) series = this.#seatOrOverflow(family, key, labels);
        series.value += n;
      },
    };
  }

  /** Binds a gauge; it is exported from the first value on, until it is removed. */
  gauge<I extends Instrument<"gauge">>(instrument: I, labels: LabelsOf<I>): Gauge {
    const family = this.#family(instrument);
    const key = keyOf(instrument, labels);
    let series: Series | undefined;
    const remove = () => {
      const seated = family.series.get(key);
      if (seated !== undefined) unseat(family, key, seated);
    };
    return {
      set: (value) => {
        if (Number.isNaN(value)) return remove();
        if (series?.seated !== true) series = this.#seat(family, key, labels);
        if (series === undefined) return this.#refusedSeries.add();
        series.expiresMs = Infinity;
        series.value = value;
      },
      remove,
    };
  }

  /** Binds a histogram; it is exported from now on, empty. */
  histogram<I extends Instrument<"histogram">>(instrument: I, labels: LabelsOf<I>): Histogram {
    const family = this.#family(instrument);
    const key = keyOf(instrument, labels);
    let series = this.#seatOrOverflow(family, key, labels);
    return {
      record: (seconds, trace) => {
        if (!(seconds >= 0 && seconds < Infinity)) return this.#refusedValues.add();
        if (!series.seated) series = this.#seatOrOverflow(family, key, labels);
        const bucket = bucketOf(family.bounds, seconds);
        series.value += seconds;
        (series.counts[bucket] as number) += 1;
        series.exponential?.record(seconds);
        if (trace !== undefined) this.#exemplify(series, bucket, seconds, trace);
      },
    };
  }

  /** Sets one series of a state to 1 and those of all its other values to 0; `label` names the label that carries them. */
  oneHot<I extends Instrument<"gauge">, Label extends LabelOf<I>, Value extends string>(
    instrument: I,
    labels: Readonly<Record<Exclude<LabelOf<I>, Label>, string>>,
    label: Label,
    values: readonly Value[],
    current: NoInfer<Value>,
  ): void {
    for (const value of values) {
      const all: Labels = { ...labels, [label]: value };
      this.gauge(instrument, all as LabelsOf<I>).set(value === current ? 1 : 0);
    }
  }

  /**
   * Takes what a collector read: totals for counters, levels for gauges. A series that is not observed again within `ttlMs`
   * is gone. A total that goes down means that its source began anew, and so does the series' start time. Throws a
   * TypeError for a histogram, since no single number is one.
   */
  observe(points: readonly Point[], ttlMs: number): void {
    const expiresMs = this.#clock.monotonicMs() + ttlMs;
    for (const { instrument, labels, value } of points) {
      if (instrument.kind === "histogram") throw new TypeError(`Meter: ${instrument.name} is a histogram and can not be observed as a point`);
      if (Number.isNaN(value)) {
        this.#refusedValues.add();
        continue;
      }
      const series = this.#seat(this.#family(instrument), keyOf(instrument, labels), labels);
      if (series === undefined) {
        this.#refusedSeries.add();
        continue;
      }
      if (instrument.kind === "counter" && value < series.value) series.startTime = hrTime(this.#clock.wallMs());
      series.expiresMs = expiresMs;
      series.value = value;
    }
  }

  /** Removes every series of the instrument that has these labels; all of them where none are given. */
  drop<I extends AnyInstrument>(instrument: I, labels: Partial<LabelsOf<I>> = {}): void {
    const family = this.#families.get(instrument.name);
    if (family === undefined) return;
    const wanted = Object.entries<string | undefined>(labels);
    for (const [key, series] of family.series) {
      if (wanted.every(([label, value]) => series.attributes[label] === value)) unseat(family, key, series);
    }
  }

  /** All families that have a live series, in the order of the catalogue's first use; for an exporter that takes its time. */
  *families(): Generator<FamilyView> {
    for (const family of this.#families.values()) {
      this.#expire(family);
      const { instrument, bounds, series, overflow } = family;
      if (series.size > 0 || overflow !== undefined) yield { instrument, bounds, series: alive(family) };
    }
  }

  /**
   * All live series, cumulative, as OpenTelemetry's readers take them; histograms as exponential ones where they are kept. What is
   * handed out is the caller's. Never rejects. Cost: O(series); others run after each thousand.
   */
  async collect(): Promise<CollectionResult> {
    const endTime = hrTime(this.#clock.wallMs());
    const metrics: MetricData[] = [];
    let made = 0;
    for (const family of this.families()) {
      const series = [...family.series];
      metrics.push(metricData(family, series, endTime, this.#exponential));
      made += series.length;
      if (made < turnSeries) continue;
      made = 0;
      await setImmediate();
    }
    return { resourceMetrics: { resource: noResource, scopeMetrics: [{ scope: { name: "pilotfish" }, metrics }] }, errors: [] };
  }

  #family(instrument: AnyInstrument): Family {
    let family = this.#families.get(instrument.name);
    if (family === undefined) {
      family = { instrument, bounds: [...(instrument.buckets ?? [])], series: new Map(), overflow: undefined };
      this.#families.set(instrument.name, family);
    }
    return family;
  }

  /** The series of these labels, made where it is new; undefined where the instrument is full. */
  #seat(family: Family, key: string, labels: Labels): Series | undefined {
    const seated = family.series.get(key);
    if (seated !== undefined) return seated;
    if (family.series.size >= this.#seriesMax) this.#expire(family);
    if (family.series.size >= this.#seriesMax) return undefined;
    const series = this.#newSeries(family, Object.fromEntries(family.instrument.labels.map((label) => [label, valueOf(labels, label)])));
    family.series.set(key, series);
    return series;
  }

  #seatOrOverflow(family: Family, key: string, labels: Labels): Series {
    const series = this.#seat(family, key, labels);
    if (series !== undefined) return series;
    this.#refusedSeries.add();
    family.overflow ??= this.#newSeries(family, overflowAttributes);
    return family.overflow;
  }

  #newSeries(family: Family, attributes: Attributes): Series {
    const counts = family.instrument.kind === "histogram" ? new Float64Array(family.bounds.length + 1) : noCounts;
    const exponential = this.#exponential && family.instrument.kind === "histogram" ? new ExponentialHistogram() : undefined;
    return { attributes, seated: true, expiresMs: Infinity, startTime: hrTime(this.#clock.wallMs()), value: 0, counts, exemplars: undefined, exponential };
  }

  #exemplify(series: Series, bucket: number, value: number, { traceId, spanId }: TraceIds): void {
    series.exemplars ??= [];
    const slot = (series.exemplars[bucket] ??= { traceId, spanId, value, atWallMs: 0 });
    // Written in place: what a sampled request allocates is what it costs.
    slot.traceId = traceId;
    slot.spanId = spanId;
    slot.value = value;
    slot.atWallMs = this.#clock.wallMs();
  }

  #expire(family: Family): void {
    const nowMs = this.#clock.monotonicMs();
    for (const [key, series] of family.series) if (series.expiresMs <= nowMs) unseat(family, key, series);
  }
}

function* alive({ series, overflow }: Family): Generator<SeriesView> {
  yield* series.values();
  if (overflow !== undefined) yield overflow;
}

function unseat(family: Family, key: string, series: Series): void {
  series.seated = false;
  family.series.delete(key);
}

function valueOf(labels: Labels, label: string): string {
  return (labels[label] ?? "").slice(0, labelLengthMax);
}

/** One string for one label set: each value behind its length, so that no two sets share one. */
function keyOf({ labels: names }: AnyInstrument, labels: Labels): string {
  let key = "";
  for (const name of names) {
    const value = valueOf(labels, name);
    key += `${value.length}:${value}`;
  }
  return key;
}

/** The first bound that is not below the value, by halving; one past the last where all are. */
function bucketOf(bounds: readonly number[], value: number): number {
  let low = 0;
  let high = bounds.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((bounds[middle] as number) < value) low = middle + 1;
    else high = middle;
  }
  return low;
}
