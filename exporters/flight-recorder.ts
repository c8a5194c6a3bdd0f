/**
 * The flight recorder: the last 15 minutes of what matters, second by second, in bounded memory. Prometheus looks every 15 or
 * 30 seconds and misses what happened in between; after a page the seconds before it are what people ask for. Pure: a ring of
 * columns, one for each series, and a list of events.
 *
 * Memory: 4 bytes a second and series, 3.6 KB a series, allocated when a series is first seen; 256 series at most, 922 KB,
 * besides 7 KB of times and 512 events. A series that was silent for the whole ring gives its place to a new one.
 */
export interface Level {
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
  /** As it is shown: `s`, `By`, `{request}/s`. */
  readonly unit: string;
  readonly value: number;
}

export interface RecordedEvent {
  readonly atWallMs: number;
  /** Such as `transition` or `drift`. */
  readonly what: string;
  /** A sentence. */
  readonly text: string;
}

export interface RecordedSeries extends Omit<Level, "value"> {
  /** One for each second of the recording; NaN where the series was not there. */
  readonly values: Float32Array;
}

/** A copy, oldest first. */
export interface Recorded {
  readonly timesMs: Float64Array;
  readonly series: readonly RecordedSeries[];
  readonly events: readonly RecordedEvent[];
}

export interface FlightRecorderOptions {
  readonly seconds?: number;
  readonly seriesMax?: number;
  readonly eventsMax?: number;
}

interface Column {
  readonly level: Omit<Level, "value">;
  readonly values: Float32Array;
  /** The number of the sample that it was last in. */
  last: number;
}

const textMax = 500;

export class FlightRecorder {
  readonly #seconds: number;
  readonly #seriesMax: number;
  readonly #eventsMax: number;
  readonly #timesMs: Float64Array;
  readonly #columns = new Map<string, Column>();
  #events: RecordedEvent[] = [];
  #samples = 0;
  #dropped = 0;

  constructor({ seconds = 900, seriesMax = 256, eventsMax = 512 }: FlightRecorderOptions = {}) {
    this.#seconds = seconds;
    this.#seriesMax = seriesMax;
    this.#eventsMax = eventsMax;
    this.#timesMs = new Float64Array(seconds);
  }

  /** Levels that found no place. */
  get dropped(): number {
    return this.#dropped;
  }

  /** To be called each second. Cost: O(levels) and of all columns, one write each. */
  sample(atWallMs: number, levels: Iterable<Level>): void {
    const at = this.#samples % this.#seconds;
    this.#timesMs[at] = atWallMs;
    for (const { values } of this.#columns.values()) values[at] = Number.NaN;
    for (const level of levels) {
      const column = this.#columnOf(level);
      if (column === undefined) {
        this.#dropped += 1;
        continue;
      }
      column.values[at] = level.value;
      column.last = this.#samples;
    }
    this.#samples += 1;
  }

  event({ atWallMs, what, text }: RecordedEvent): void {
    if (this.#events.length >= this.#eventsMax) this.#events.shift();
    this.#events.push({ atWallMs, what, text: text.slice(0, textMax) });
  }

  /** What is held by now. Cost: a copy of it, below a millisecond. */
  recorded(): Recorded {
    const count = Math.min(this.#samples, this.#seconds);
    const first = this.#samples < this.#seconds ? 0 : this.#samples % this.#seconds;
    const timesMs = turned(this.#timesMs, first, count, new Float64Array(count));
    const oldestMs = timesMs[0] ?? 0;
    const live = [...this.#columns.values()].filter(({ last }) => last >= this.#samples - this.#seconds);
    return {
      timesMs,
      series: live.map(({ level, values }) => ({ ...level, values: turned(values, first, count, new Float32Array(count)) })),
      events: this.#events.filter(({ atWallMs }) => atWallMs >= oldestMs),
    };
  }

  /** Of the columns and times, which is nearly all. */
  bytes(): number {
    return this.#timesMs.byteLength + this.#columns.size * this.#seconds * Float32Array.BYTES_PER_ELEMENT;
  }

  #columnOf({ name, labels, unit }: Level): Column | undefined {
    const key = `${name} ${JSON.stringify(labels)}`;
    const known = this.#columns.get(key);
    if (known !== undefined) return known;
    if (this.#columns.size >= this.#seriesMax && !this.#makeRoom()) return undefined;
    const column: Column = { level: { name, labels, unit }, values: new Float32Array(this.#seconds).fill(Number.NaN), last: this.#samples };
    this.#columns.set(key, column);
    return column;
  }

  #makeRoom(): boolean {
    for (const [key, { last }] of this.#columns) {
      if (last > this.#samples - this.#seconds) continue;
      this.#columns.delete(key);
      return true;
    }
    return false;
  }
}

/** The ring from `first` on, laid out straight. */
function turned<Numbers extends Float32Array | Float64Array>(ring: Numbers, first: number, count: number, into: Numbers): Numbers {
  for (let i = 0; i < count; i += 1) into[i] = ring[(first + i) % ring.length] as number;
  return into;
}
