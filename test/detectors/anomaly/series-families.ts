/**
 * Labelled series made by a seed, one family for each way in which telemetry goes wrong, and families where nothing does.
 * They stand for kinds of real series (machine CPU, demand, counts, latency, sensors, traffic), none is a copy of one.
 */
import { chance, gaussian, type Chance } from "../chance.ts";

export interface LabelledSeries {
  readonly times: Float64Array;
  readonly values: Float64Array;
  /** First row and the row after the last of each stretch that a person would mark. None in a clean series. */
  readonly windows: readonly (readonly [first: number, end: number])[];
}

const minute = 60_000;
const hour = 60 * minute;
/** A Monday, 00:00 UTC. */
const monday = Date.UTC(2024, 0, 1);

interface Draft {
  readonly next: Chance;
  readonly n: number;
  readonly times: Float64Array;
  readonly values: Float64Array;
  readonly windows: [number, number][];
  noise(): number;
  /** A row between two shares of the series. */
  place(from: number, to: number): number;
  mark(first: number, length: number): void;
}

function draft(seed: number, n: number, intervalMs: number, valueAt: (row: number, d: Draft) => number): Draft {
  const next = chance(seed);
  const d: Draft = {
    next,
    n,
    times: Float64Array.from({ length: n }, (_, row) => monday + row * intervalMs),
    values: new Float64Array(n),
    windows: [],
    noise: () => gaussian(next),
    place: (from, to) => Math.floor(n * (from + (to - from) * next())),
    mark: (first, length) => d.windows.push([Math.max(0, first), Math.min(n, first + length)]),
  };
  for (let row = 0; row < n; row += 1) d.values[row] = valueAt(row, d);
  return d;
}

/** Autoregressive noise of unit variance. */
function wander(memory: number): (row: number, d: Draft) => number {
  let last = 0;
  const step = Math.sqrt(1 - memory * memory);
  return (_, d) => (last = memory * last + step * d.noise());
}

function poisson(mean: number, next: Chance): number {
  if (mean > 50) return Math.max(0, Math.round(mean + Math.sqrt(mean) * gaussian(next)));
  let product = next();
  let count = 0;
  for (const least = Math.exp(-mean); product > least; count += 1) product *= next();
  return count;
}

const pareto = (shape: number, next: Chance): number => next() ** (-1 / shape);
const wave = (row: number, period: number): number => Math.sin((2 * Math.PI * row) / period);

/** Demand over a day and a week in half hours: night trough, two peaks, quieter weekends. */
function demand(row: number): number {
  const clock = (row % 48) / 2;
  const weekend = Math.floor(row / 48) % 7 >= 5;
  const day = 1.1 + 0.9 * Math.sin((2 * Math.PI * (clock - 9)) / 24) + 0.4 * Math.exp(-((clock - 18.5) ** 2) / 4);
  return weekend ? day * 0.8 + 0.35 * Math.exp(-((clock - 1) ** 2) / 6) : day;
}

/** A square day in five-minute rows: high from nine to six. */
const office = (row: number): number => (row % 288 >= 108 && row % 288 < 216 ? 80 : 20);

type Family = (seed: number) => LabelledSeries;

function add(d: Draft, first: number, length: number, change: (value: number, i: number) => number): void {
  for (let i = 0; i < length && first + i < d.n; i += 1) d.values[first + i] = change(d.values[first + i] as number, i);
}

export const troubled: Readonly<Record<string, Family>> = {
  "noise, two spikes": (seed) => {
    const d = draft(seed, 2_000, minute, (_, d) => 50 + 2 * d.noise());
    for (const [a, b] of [[0.3, 0.5], [0.7, 0.9]] as const) {
      const at = d.place(a, b);
      add(d, at, 1, (x) => x + (d.next() < 0.5 ? -1 : 1) * 18);
      d.mark(at - 5, 25);
    }
    return d;
  },
  "noise, level shift": (seed) => {
    const d = draft(seed, 3_000, 5 * minute, (_, d) => 10 + d.noise());
    const at = d.place(0.4, 0.8);
    add(d, at, d.n, (x) => x + 4);
    d.mark(at, 100);
    return d;
  },
  "noise, small level shift": (seed) => {
    const d = draft(seed, 3_000, 5 * minute, (_, d) => 10 + d.noise());
    const at = d.place(0.4, 0.8);
    add(d, at, d.n, (x) => x - 1.7);
    d.mark(at, 100);
    return d;
  },
  "noise triples": (seed) => {
    const d = draft(seed, 3_000, minute, (_, d) => 100 + d.noise());
    const at = d.place(0.4, 0.8);
    add(d, at, 250, (x) => 100 + (x - 100) * 3);
    d.mark(at, 250);
    return d;
  },
  "flat line, one spike": (seed) => {
    const d = draft(seed, 4_000, 5 * minute, () => 45);
    const at = d.place(0.4, 0.9);
    add(d, at, 3, () => 90);
    d.mark(at - 5, 25);
    return d;
  },
  "quiet noise, then a small bump": (seed) => {
    const d = draft(seed, 4_000, 5 * minute, (_, d) => 20 + d.next());
    const at = d.place(0.4, 0.9);
    add(d, at, 60, (x) => x + 2);
    d.mark(at, 60);
    return d;
  },
  "day, one peak missing": (seed) => {
    const d = draft(seed, 4_032, 5 * minute, (row, d) => office(row) + 4 * d.next());
    const day = 7 + Math.floor(d.next() * 6);
    add(d, day * 288 + 108, 108, (x) => x - 60);
    d.mark(day * 288 + 108, 120);
    return d;
  },
  "day, one peak too high": (seed) => {
    const d = draft(seed, 4_032, 5 * minute, (row, d) => office(row) + 4 * d.next());
    const day = 7 + Math.floor(d.next() * 6);
    add(d, day * 288 + 108, 108, (x) => x + 50);
    d.mark(day * 288 + 108, 120);
    return d;
  },
  "day, flat at noon": (seed) => {
    const d = draft(seed, 4_032, 5 * minute, (row, d) => 50 + 30 * wave(row, 288) + 3 * d.noise());
    const at = (7 + Math.floor(d.next() * 6)) * 288 + 20;
    add(d, at, 110, () => 50 + 3 * d.noise());
    d.mark(at, 130);
    return d;
  },
  "day, a jump at night": (seed) => {
    const d = draft(seed, 4_032, 5 * minute, (row, d) => office(row) + 4 * d.next());
    const at = (7 + Math.floor(d.next() * 6)) * 288 + 250;
    add(d, at, 24, (x) => x + 58);
    d.mark(at, 40);
    return d;
  },
  "hourly day, one peak missing": (seed) => {
    const d = draft(seed, 24 * 40, hour, (row, d) => 200 + 100 * wave(row, 24) + 8 * d.noise());
    const at = (15 + Math.floor(d.next() * 20)) * 24 + 2;
    add(d, at, 9, () => 190 + 8 * d.noise());
    d.mark(at, 12);
    return d;
  },
  "week of demand, holiday and surge": (seed) => {
    const slow = wander(0.98);
    const d = draft(seed, 48 * 120, 30 * minute, (row, d) => 8_000 * demand(row) * (1 + 0.04 * slow(row, d)) + 250 * d.noise());
    const holiday = 48 * (40 + Math.floor(d.next() * 20));
    add(d, holiday, 48, (x) => x * 0.6);
    d.mark(holiday, 56);
    const surge = 48 * (75 + Math.floor(d.next() * 30)) + 30;
    add(d, surge, 10, (x) => x * 1.5);
    d.mark(surge, 16);
    return d;
  },
  "CPU, wandering, two surges": (seed) => {
    const slow = wander(0.8);
    const d = draft(seed, 4_000, 5 * minute, (row, d) => 40 + 5 * slow(row, d) + d.noise());
    for (const [a, b] of [[0.3, 0.5], [0.65, 0.9]] as const) {
      const at = d.place(a, b);
      add(d, at, 12, (x) => x + 35);
      d.mark(at - 3, 40);
    }
    return d;
  },
  "CPU, nearly idle, with jobs, then a load": (seed) => {
    const d = draft(seed, 4_000, 5 * minute, (row, d) => 0.1 + 0.02 * Math.round(d.next() * 3) + (row % 144 < 2 ? 1.5 + 0.3 * d.noise() : 0));
    const at = d.place(0.4, 0.9);
    add(d, at, 100, (x) => x + 1.1 + 0.1 * d.noise());
    d.mark(at, 100);
    return d;
  },
  "counts with a day, a burst": (seed) => {
    const d = draft(seed, 6_000, 5 * minute, (row, d) => poisson((14 + 10 * wave(row, 288)) * (d.next() < 0.01 ? 1 + 2 * pareto(2, d.next) : 1), d.next));
    for (const [a, b] of [[0.3, 0.55], [0.65, 0.9]] as const) {
      const at = d.place(a, b);
      add(d, at, 15, (x, i) => x + Math.round(220 * Math.exp(-i / 6)));
      d.mark(at - 3, 40);
    }
    return d;
  },
  "bursty latencies, a slow stretch": (seed) => {
    const d = draft(seed, 4_000, 10_000, (_, d) => Math.exp(3 + 0.5 * d.noise()) * (d.next() < 0.03 ? pareto(1.5, d.next) * 4 : 1));
    const at = d.place(0.4, 0.9);
    add(d, at, 60, (x) => x * 4);
    d.mark(at, 80);
    return d;
  },
  "machine temperature, a collapse": (seed) => {
    const slow = wander(0.995);
    const d = draft(seed, 8_000, 5 * minute, (row, d) => 90 + 5 * slow(row, d) + 0.7 * d.noise());
    for (const [a, b] of [[0.3, 0.5], [0.65, 0.9]] as const) {
      const at = d.place(a, b);
      add(d, at, 80, (x, i) => x - 45 * Math.min(1, i / 10) * Math.min(1, (80 - i) / 30));
      d.mark(at, 90);
    }
    return d;
  },
  "cost a click, spikes and a dip": (seed) => {
    const d = draft(seed, 1_600, hour, (row, d) => 0.1 * Math.exp(0.25 * d.noise() + 0.15 * wave(row, 24)));
    const up = d.place(0.3, 0.5);
    add(d, up, 2, (x) => x * 6);
    d.mark(up - 3, 20);
    const down = d.place(0.65, 0.9);
    add(d, down, 8, (x) => x * 0.2);
    d.mark(down - 3, 20);
    return d;
  },
  "traffic speed, irregular stamps, a jam": (seed) => {
    const next = chance(seed + 77);
    const times: number[] = [];
    let at = monday;
    for (let row = 0; row < 2_500; row += 1) times.push((at += minute * (3 + Math.floor(-6 * Math.log(next())) + (next() < 0.01 ? 120 : 0))));
    const d = draft(seed, times.length, minute, (row, d) => {
      const clock = ((times[row] as number) / hour) % 24;
      return Math.round(68 - 14 * Math.exp(-((clock - 8) ** 2) / 2) - 18 * Math.exp(-((clock - 17) ** 2) / 3) + 3 * d.noise());
    });
    d.times.set(times);
    let jam = d.place(0.4, 0.9);
    while (((times[jam] as number) / hour) % 24 < 20) jam = (jam + 1) % d.n || Math.floor(d.n * 0.4);
    add(d, jam, 14, (x) => x - 35);
    d.mark(jam, 25);
    return d;
  },
  "a stuck sensor": (seed) => {
    const slow = wander(0.9);
    const d = draft(seed, 3_000, minute, (row, d) => 21 + slow(row, d) + 0.3 * d.noise());
    const at = d.place(0.4, 0.9);
    const held = d.values[at] as number;
    add(d, at, 60, () => held);
    d.mark(at, 70);
    return d;
  },
  "a slow ramp": (seed) => {
    const d = draft(seed, 4_000, minute, (_, d) => 300 + 5 * d.noise());
    const at = d.place(0.4, 0.75);
    add(d, at, d.n, (x, i) => x + Math.min(60, i * 0.12));
    d.mark(at, 500);
    return d;
  },
  "never moved, then a step": (seed) => {
    const d = draft(seed, 1_500, minute, () => 3);
    const at = d.place(0.4, 0.9);
    add(d, at, d.n, () => 4);
    d.mark(at, 20);
    return d;
  },
  "mostly zeros, then errors": (seed) => {
    const d = draft(seed, 4_000, minute, (_, d) => (d.next() < 0.06 ? poisson(1.2, d.next) : 0));
    const at = d.place(0.4, 0.9);
    add(d, at, 20, () => poisson(4, d.next));
    d.mark(at, 30);
    return d;
  },
  "spikes become frequent": (seed) => {
    const d = draft(seed, 4_000, 5 * minute, (_, d) => 20 + d.next() + (d.next() < 0.015 ? 20 + 10 * d.next() : 0));
    const at = d.place(0.4, 0.9);
    add(d, at, 150, (x) => (d.next() < 0.25 ? 20 + 20 + 10 * d.next() : x));
    d.mark(at, 160);
    return d;
  },
  "a wave doubles its frequency": (seed) => {
    const d = draft(seed, 4_000, 1_000, (row, d) => 5 * wave(row, 50) + 0.6 * d.noise());
    const at = d.place(0.4, 0.9);
    add(d, at, 150, (_, i) => 5 * wave(at + 2 * i, 50) + 0.6 * d.noise());
    d.mark(at, 165);
    return d;
  },
  "a wave loses its height": (seed) => {
    const d = draft(seed, 4_000, 10_000, (row, d) => 5 * wave(row, 60) + 0.6 * d.noise());
    const at = d.place(0.4, 0.9);
    add(d, at, 180, (_, i) => 1.5 * wave(at + i, 60) + 0.6 * d.noise());
    d.mark(at, 200);
    return d;
  },
  "a random walk jumps": (seed) => {
    let level = 0;
    const d = draft(seed, 3_000, minute, (_, d) => (level += 0.5 * d.noise()));
    const at = d.place(0.4, 0.9);
    add(d, at, d.n, (x) => x + 9);
    d.mark(at - 3, 25);
    return d;
  },
  "reports stop coming": (seed) => {
    const d = draft(seed, 3_000, minute, (_, d) => 5 + d.noise());
    const at = d.place(0.4, 0.9);
    for (let row = at; row < d.n; row += 1) d.times[row]! += 45 * minute;
    d.mark(at - 1, 10);
    return d;
  },
  "a coarse gauge drifts": (seed) => {
    const slow = wander(0.95);
    const d = draft(seed, 4_000, minute, (row, d) => Math.round(2 * (40 + slow(row, d))) / 2);
    const at = d.place(0.4, 0.8);
    add(d, at, d.n, (x, i) => Math.round(2 * (x + Math.min(10, i / 20))) / 2);
    d.mark(at, 220);
    return d;
  },
  "the season stays, its level drops": (seed) => {
    const d = draft(seed, 4_032, 5 * minute, (row, d) => 60 + 25 * wave(row, 288) + 2 * d.noise());
    const at = d.place(0.45, 0.85);
    add(d, at, d.n, (x) => x - 20);
    d.mark(at, 150);
    return d;
  },
  "memory leaks": (seed) => {
    const slow = wander(0.9);
    const d = draft(seed, 3_000, 30_000, (row, d) => 1e9 * (2 + 0.05 * slow(row, d)));
    const at = d.place(0.4, 0.75);
    add(d, at, d.n, (x, i) => x + 1.2e6 * i);
    d.mark(at, 450);
    return d;
  },
};

export const clean: Readonly<Record<string, Family>> = {
  "noise": (seed) => draft(seed, 10_000, minute, (_, d) => 5 + d.noise()),
  "even noise": (seed) => draft(seed, 10_000, minute, (_, d) => d.next()),
  "never moves": (seed) => draft(seed, 10_000, minute, () => 7),
  "wandering noise": (seed) => {
    const slow = wander(0.9);
    return draft(seed, 10_000, 5 * minute, (row, d) => slow(row, d));
  },
  "slow wandering": (seed) => {
    const slow = wander(0.995);
    return draft(seed, 10_000, 5 * minute, (row, d) => 5 * slow(row, d) + 0.5 * d.noise());
  },
  "random walk": (seed) => {
    let level = 0;
    return draft(seed, 10_000, minute, (_, d) => (level += d.noise()));
  },
  "office days": (seed) => draft(seed, 10_000, 5 * minute, (row, d) => office(row) + 4 * d.next()),
  "waves": (seed) => draft(seed, 10_000, 1_000, (row, d) => 5 * wave(row, 50) + 0.5 * d.noise()),
  "weeks of demand": (seed) => {
    const slow = wander(0.98);
    return draft(seed, 10_000, 30 * minute, (row, d) => 8_000 * demand(row) * (1 + 0.04 * slow(row, d)) + 250 * d.noise());
  },
  "counts with a day": (seed) => draft(seed, 10_000, 5 * minute, (row, d) => poisson(14 + 12 * wave(row, 288), d.next)),
  "bursty": (seed) => draft(seed, 10_000, 10_000, (_, d) => Math.exp(3 + 0.5 * d.noise()) * (d.next() < 0.03 ? pareto(1.5, d.next) * 4 : 1)),
  "very heavy tails": (seed) => draft(seed, 10_000, 10_000, (_, d) => pareto(1, d.next)),
  "mostly zeros": (seed) => draft(seed, 10_000, minute, (_, d) => (d.next() < 0.06 ? poisson(1.2, d.next) : 0)),
  "a coarse gauge": (seed) => {
    const slow = wander(0.95);
    return draft(seed, 10_000, minute, (row, d) => Math.round(2 * (40 + slow(row, d))) / 2);
  },
  "jobs every half day": (seed) => draft(seed, 10_000, 5 * minute, (row, d) => 0.1 + 0.02 * Math.round(d.next() * 3) + (row % 144 < 2 ? 1.5 + 0.3 * d.noise() : 0)),
  "calm and storm by turns": (seed) => {
    let storm = false;
    return draft(seed, 10_000, minute, (_, d) => {
      if (d.next() < 0.01) storm = !storm;
      return (storm ? 3 : 1) * d.noise();
    });
  },
};
