/**
 * Seasons: does a model's traffic look different from hour to hour, as a matter of course? Then each hour has a normal of
 * its own, and to rank a value among those of all hours would be an alarm every evening.
 *
 * An hour that differs from the others on one day proves nothing: where rows depend on each other, every stretch of time
 * differs from every other. What counts is whether the hours differ in the same way day after day. So a day is one
 * observation: its profile over the 24 hours. Looked at are mid-ranks, so that no outlier decides, and their distance from
 * the middle, for a spread that has seasons. For the hour of the week a week is one observation, from which its own
 * profile of a day has been taken, so that it is chosen only for what it adds.
 *
 * A season is taken where in any column it explains at least one part in a thousand of the variance (two for what the hour
 * of the week adds; with 1,000 rows an hour as little as that costs false alarms) and is significant at one in a hundred
 * over all columns together. Dependence that lasts for some hours does not pass for a season; one that lasts from one day
 * to the next may. Times are UTC: what repeats at another period, or moves with daylight saving time, is not found.
 */
import { repeatedProfile } from "./repeated-profile.ts";

export type Season = "hour-of-day" | "hour-of-week";

export interface SeasonChoiceState {
  /** Sums per column, view and hour of the eight weeks. */
  readonly sums: Float64Array;
  /** Rows per column and hour of the eight weeks. */
  readonly counts: Float64Array;
  /** Sums of squares per column and view. */
  readonly squares: Float64Array;
  /** Since the Monday before the epoch. */
  firstDay: number;
  lastDay: number;
}

export interface SeasonChoice {
  start(): SeasonChoiceState;
  /** Consumes `state`. Rows may come in any order; one whose time is not a finite number is passed over. */
  step(state: SeasonChoiceState, column: number, atMs: number, midRank: number): SeasonChoiceState;
  /** Undefined where there is no season, or too little to tell: less than three days, or weeks, or ten rows a season. */
  choose(state: SeasonChoiceState): Season | undefined;
}

const hourMs = 3_600_000;
const dayHours = 24;
const weekDays = 7;
const weekHours = weekDays * dayHours;
/** Days so far apart share a place, so that any span of time fits. */
const days = 8 * weekDays;
const hours = days * dayHours;
/** From the Monday before the epoch, a Thursday. */
const epochHour = 3 * dayHours;

const seasonHours = { "hour-of-day": dayHours, "hour-of-week": weekHours } as const;

/** Of a mid-rank: where it lies, and how far out. */
const views: readonly ((midRank: number) => number)[] = [(midRank) => midRank, (midRank) => Math.abs(midRank - 0.5)];

const periodsMin = 3;
const rowsMin = 10;
const significance = 1e-2;
/** Of mid-ranks: rounding apart, they do not vary. */
const constant = 1e-9;
const effectMin: Readonly<Record<Season, number>> = { "hour-of-day": 0.001, "hour-of-week": 0.002 };

export function seasonCount(season: Season): number {
  return seasonHours[season];
}

/** From 0; the hour of the week is 0 on Monday from midnight UTC. */
export function seasonOf(season: Season, atMs: number): number {
  return remainder(hourOf(atMs), seasonHours[season]);
}

function hourOf(atMs: number): number {
  return Math.floor(atMs / hourMs) + epochHour;
}

/** Never negative, as times before the epoch are. */
function remainder(value: number, divisor: number): number {
  return ((value % divisor) + divisor) % divisor;
}

/**
 * Which season the reference's rows have, from the mid-ranks of its columns.
 * Cost: O(1) a value; 32 kB a column while they are counted; about a millisecond a column to choose.
 */
export function seasonChoice(columns: number): SeasonChoice {
  if (!Number.isInteger(columns) || columns < 1) throw new RangeError(`seasonChoice: columns must be 1 or more, got ${columns}`);

  const shows = (table: Table, season: Season): boolean => {
    if (table.rows < rowsMin * seasonHours[season]) return false;
    const profiles = profilesOf(table, season);
    if (profiles.length < periodsMin) return false;
    const { variance, p } = repeatedProfile(profiles);
    return variance >= effectMin[season] * table.variance && p < significance / (columns * views.length);
  };

  return {
    start: () => ({
      sums: new Float64Array(columns * views.length * hours),
      counts: new Float64Array(columns * hours),
      squares: new Float64Array(columns * views.length),
      firstDay: Infinity,
      lastDay: -Infinity,
    }),

    step(state, column, atMs, midRank) {
      if (!(column >= 0 && column < columns)) throw new RangeError(`seasonChoice: there are ${columns} columns, got column ${column}`);
      if (!(midRank >= 0 && midRank <= 1)) throw new RangeError(`seasonChoice: expected a mid-rank between 0 and 1, got ${midRank}`);
      if (!Number.isFinite(atMs)) return state;
      const hour = hourOf(atMs);
      const place = remainder(hour, hours);
      for (let view = 0; view < views.length; view += 1) {
        const row = column * views.length + view;
        const value = (views[view] as (midRank: number) => number)(midRank);
        state.sums[row * hours + place]! += value;
        state.squares[row]! += value * value;
      }
      state.counts[column * hours + place]! += 1;
      const day = Math.floor(hour / dayHours);
      if (day < state.firstDay) state.firstDay = day;
      if (day > state.lastDay) state.lastDay = day;
      return state;
    },

    choose(state) {
      let choice: Season | undefined;
      for (let column = 0; column < columns; column += 1) {
        for (let view = 0; view < views.length; view += 1) {
          const table = tableOf(state, column, view);
          if (!(table.variance > constant)) continue;
          if (shows(table, "hour-of-week")) return "hour-of-week";
          if (choice === undefined && shows(table, "hour-of-day")) choice = "hour-of-day";
        }
      }
      return choice;
    },
  };
}

/** One view of one column, over the hours of eight weeks. */
interface Table {
  readonly sums: Float64Array;
  readonly counts: Float64Array;
  readonly rows: number;
  readonly variance: number;
}

function tableOf(state: SeasonChoiceState, column: number, view: number): Table {
  const row = column * views.length + view;
  const sums = state.sums.slice(row * hours, (row + 1) * hours);
  const counts = state.counts.subarray(column * hours, (column + 1) * hours);
  const rows = counts.reduce((sum, count) => sum + count, 0);
  const mean = sums.reduce((sum, value) => sum + value, 0) / rows;
  const variance = (state.squares[row] as number) / rows - mean * mean;
  if (state.lastDay - state.firstDay < days) removeTrend(sums, counts, remainder(state.firstDay, days) * dayHours);
  return { sums, counts, rows, variance };
}

/** Takes off the straight line through the hours, the first being where it is said: what grows all month has no season. */
function removeTrend(sums: Float64Array, counts: Float64Array, first: number): void {
  const timeOf = (place: number): number => remainder(place - first, hours);
  let [rows, time, value] = [0, 0, 0];
  for (let place = 0; place < hours; place += 1) {
    const count = counts[place] as number;
    rows += count;
    time += count * timeOf(place);
    value += sums[place] as number;
  }
  let [together, spread] = [0, 0];
  for (let place = 0; place < hours; place += 1) {
    const count = counts[place] as number;
    const ahead = timeOf(place) - time / rows;
    together += ahead * ((sums[place] as number) - (count * value) / rows);
    spread += count * ahead * ahead;
  }
  if (spread === 0) return;
  for (let place = 0; place < hours; place += 1) {
    sums[place]! -= (counts[place] as number) * (together / spread) * (timeOf(place) - time / rows);
  }
}

/**
 * Each day's hours less the day's mean, or each week's hours less the week's mean at that hour of the day. Weighed by the
 * square roots of their rows, so that the product of two profiles is the variance that they share.
 */
function profilesOf({ sums, counts }: Table, season: Season): Float64Array[] {
  const length = seasonHours[season];
  const means = season === "hour-of-day" ? 1 : dayHours;
  const profiles: Float64Array[] = [];
  for (let start = 0; start < hours; start += length) {
    const profile = new Float64Array(length);
    let rows = 0;
    for (let first = 0; first < means; first += 1) {
      let [count, sum] = [0, 0];
      for (let at = first; at < length; at += means) {
        count += counts[start + at] as number;
        sum += sums[start + at] as number;
      }
      for (let at = first; at < length; at += means) {
        const here = counts[start + at] as number;
        if (here > 0) profile[at] = Math.sqrt(here) * ((sums[start + at] as number) / here - sum / count);
      }
      rows += count;
    }
    if (profile.some((value) => value !== 0)) profiles.push(profile.map((value) => value / Math.sqrt(rows)));
  }
  return profiles;
}
