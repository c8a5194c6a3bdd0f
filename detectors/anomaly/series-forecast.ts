/**
 * What the next value of a series will be, by many simple forecasters at once: a season (none, of the day, of the week, or
 * one found in the data) plus a level of what it leaves over (over a whole season, the last 20 values, the last 3, or the
 * last value alone). Each keeps its usual error, and the one with the least is believed, so nothing is tuned to a series.
 *
 * Three readings come out, in usual distances and with their sign: how far the value lies from the best quick forecast
 * (surprise), from the best season at its long level (deviation), and from the long level alone (raw deviation).
 *
 * Cost: O(1) a value; 37 kB of state.
 */
import { forgetProfile, learnProfile, startProfile, type ProfileState } from "./seasonal-profile.ts";
import { searchSeason, startSeasonSearch, type SeasonSearchState } from "./season-search.ts";

export interface ForecastState {
  rows: number;
  /** Rows that should have come so far, gaps counted: the clock of the found season. */
  clock: number;
  startMs: number;
  last: number;
  beforeLast: number;
  /** Mean of |value - last|, nothing pulled in: what keeps a scale from vanishing where most values are equal. */
  move: number;
  readonly profiles: readonly ProfileState[];
  /** Rows that each season has forecast. */
  readonly uses: Float64Array;
  /** One row of speeds a season: what the season leaves over, and the usual error. */
  readonly levels: Float64Array;
  readonly errors: Float64Array;
  /** Usual error of going on as the last two values did. */
  trendError: number;
  /** Of the found season, in rows, and when it was found; 0 while there is none. */
  period: number;
  periodFrom: number;
  readonly search: SeasonSearchState;

  surprise: number;
  deviation: number;
  rawDeviation: number;
  /** What the best quick forecast, and what season or long level, said of the newest value. */
  next: number;
  usual: number;
  /** Usual |value - last|. */
  usualStep: number;
  /** Whether a season made the best quick forecast, and whether the deviation is from a season. */
  seasonalNext: boolean;
  seasonal: boolean;
}

const none = 0;
const day = 1;
const week = 2;
const found = 3;
const seasons = 4;
const cellsMax = [0, 288, 336, 256] as const;
const dayMs = 86_400_000;
const weekMs = 7 * dayMs;
/** 1 January 1970 was a Thursday. */
const mondayMs = 4 * dayMs;

/** What a level takes of each new value; the long one goes over a whole season. */
const rates = [0, 0.05, 0.3, 1] as const;
const speeds = rates.length;
const long = 0;
const lastValue = 3;
const trend = 0.8;

/** Values over which the long level goes where there is no season. */
const longRows = 1_000;
/** Values after which an error counts for 1/e, of the quick levels and of the long one. */
const memory = 300;
const longMemory = 1_000;
const moveMemory = 2_000;

/** Usual errors beyond which a value changes an error, or a slow level, no further. */
const errorPull = 8;
const levelPull = 6;
/** Values that are taken as they are, before anything is usual. */
const unpulled = 4;
/** No error is taken to be below this part of the mean move. */
const moveShare = 0.05;

/** A season must forecast this much better than the long level to be what values are compared with. */
const seasonGain = 0.9;
/** Usual errors are ratios; beyond this it only says that nothing was usual. */
const ratioMax = 2 ** 30;
/** A gap of many intervals makes any distance less surprising, up to so many. */
const gapMax = 16;

export function startForecast(): ForecastState {
  return {
    rows: 0,
    clock: 0,
    startMs: 0,
    last: 0,
    beforeLast: 0,
    move: 0,
    profiles: cellsMax.map(startProfile),
    uses: new Float64Array(seasons),
    levels: new Float64Array(seasons * speeds),
    errors: new Float64Array(seasons * speeds),
    trendError: 0,
    period: 0,
    periodFrom: 0,
    search: startSeasonSearch(),
    surprise: 0,
    deviation: 0,
    rawDeviation: 0,
    next: 0,
    usual: 0,
    usualStep: 0,
    seasonalNext: false,
    seasonal: false,
  };
}

/** @param gap usual intervals since the last value, 1 or more. */
export function stepForecast(state: ForecastState, atMs: number, value: number, gap: number, intervalMs: number): void {
  const { levels, errors, uses, profiles } = state;
  if (state.rows === 0) state.startMs = atMs;
  else state.move += (Math.abs(value - state.last) - state.move) / Math.min(state.rows, moveMemory);
  state.clock += Math.max(1, Math.round(gap));
  state.usualStep = errors[lastValue] as number;

  let nextError = Infinity;
  let nextOff = 0;
  let nextSeason = none;
  let longError = Infinity;
  let longOff = 0;
  let longSeason = none;
  let longCell = 0;

  for (let season = none; season < seasons; season += 1) {
    if (season === found && state.period === 0) continue;
    const perSeason = rowsOf(state, season, intervalMs);
    let cell = 0;
    let shape = 0;
    if (season !== none) {
      const profile = profiles[season] as ProfileState;
      const cells = season === found ? Math.min(cellsMax[found], Math.max(4, Math.round(state.period))) : (cellsMax[season] as number);
      cell = cellAt(state, season, atMs, cells);
      shape = profile.shapes[cell] as number;
      const speaks = isOver(state, season, atMs) && (profile.rows[cell] as number) > 0;
      const level = speaks ? (levels[season * speeds] as number) : 0;
      learnProfile(profile, cell, value - level, Math.max(1, perSeason / cells), speaks ? (errors[season * speeds] as number) : 0);
      if (!speaks) continue;
    }
    const seen = uses[season] as number;
    uses[season] = seen + 1;
    const judged = season === none ? seen > 0 : seen >= Math.min(perSeason, 50);
    for (let speed = long; speed < speeds; speed += 1) {
      const at = season * speeds + speed;
      const off = value - shape - (levels[at] as number);
      const error = errors[at] as number;
      if (judged && speed !== long && error < nextError) {
        nextError = error;
        nextOff = off;
        nextSeason = season;
      }
      if (judged && speed === long && season !== none && error < longError) {
        longError = error;
        longOff = off;
        longSeason = season;
        longCell = cell;
      }
      if (season === none && speed === long) state.rawDeviation = seen === 0 ? 0 : ratio(off, error);
      learnLevel(state, at, speed, off, season === none ? seen : seen + 1, perSeason);
    }
  }

  if (state.rows >= 2) {
    const off = value - state.last - trend * (state.last - state.beforeLast);
    if (state.rows > unpulled && state.trendError < nextError) {
      nextError = state.trendError;
      nextOff = off;
      nextSeason = none;
    }
    state.trendError = learnError(state, state.trendError, off, state.rows - 1, memory);
  }

  state.seasonalNext = nextSeason !== none;
  state.surprise = nextError === Infinity ? 0 : ratio(nextOff, nextError) / Math.sqrt(Math.min(gap, gapMax));
  state.next = value - nextOff;
  state.seasonal = longError < seasonGain * (errors[none * speeds + long] as number);
  if (state.seasonal) {
    // Some hours are wilder than others; a cell's own stray is believed the more, the more often it was seen.
    const { strays, rows } = profiles[longSeason] as ProfileState;
    const seen = Math.min(rows[longCell] as number, 8);
    state.deviation = ratio(longOff, (4 * longError + seen * (strays[longCell] as number)) / (4 + seen));
    state.usual = value - longOff;
  } else {
    state.deviation = state.rawDeviation;
    state.usual = levels[none * speeds + long] as number;
  }
  state.beforeLast = state.last;
  state.last = value;
  state.rows += 1;
  const period = searchSeason(state.search, value);
  if (period !== undefined) takePeriod(state, period, intervalMs);
}

/** @param seen values that this level has forecast, this one included; 0 for the very first, which is the level. */
function learnLevel(state: ForecastState, at: number, speed: number, off: number, seen: number, perSeason: number): void {
  const { levels, errors } = state;
  if (seen === 0) {
    levels[at]! += off;
    return;
  }
  const error = errors[at] as number;
  errors[at] = learnError(state, error, off, seen, speed === long ? longMemory : memory);
  const limit = seen > 10 && speed < 2 ? levelPull * Math.max(error, moveShare * state.move) : Infinity;
  const rate = speed === long ? Math.max(1 / (seen + 1), 1 / perSeason) : (rates[speed] as number);
  levels[at]! += rate * Math.max(-limit, Math.min(limit, off));
}

/** The usual error after one more; it grows by a part at most, so that a spike does not hide the next. */
function learnError({ move }: ForecastState, error: number, off: number, seen: number, memory: number): number {
  const limit = seen < unpulled ? Infinity : errorPull * Math.max(error, moveShare * move);
  return error + (Math.min(Math.abs(off), limit) - error) / Math.min(seen, memory);
}

/** The cell of a season in which a moment lies. The product comes before the quotient: of whole numbers it is exact, so that a full hour is never just missed. */
function cellAt(state: ForecastState, season: number, atMs: number, cells: number): number {
  const length = season === day ? dayMs : season === week ? weekMs : state.period;
  const into = (season === day ? atMs : season === week ? atMs - mondayMs : state.clock) % length;
  return Math.min(cells - 1, Math.floor(((into < 0 ? into + length : into) * cells) / length));
}

/** Whether a whole season has passed. */
function isOver(state: ForecastState, season: number, atMs: number): boolean {
  if (season === found) return state.clock - state.periodFrom >= state.period;
  return atMs - state.startMs >= (season === day ? dayMs : weekMs);
}

function rowsOf(state: ForecastState, season: number, intervalMs: number): number {
  if (season === none) return longRows;
  if (season === found) return state.period;
  return Math.max(4, (season === day ? dayMs : weekMs) / Math.max(intervalMs, 1e-3));
}

/** A season of the data's own, unless it is the day, the week or a multiple of the one that is known. */
function takePeriod(state: ForecastState, period: number, intervalMs: number): void {
  const multiple = period / state.period;
  if (near(period * intervalMs, dayMs) || near(period * intervalMs, weekMs)) return;
  if (state.period > 0 && multiple > 0.9 && near(multiple, Math.round(multiple))) return;
  state.period = period;
  state.periodFrom = state.clock;
  state.uses[found] = 0;
  state.levels.fill(0, found * speeds);
  state.errors.fill(0, found * speeds);
  forgetProfile(state.profiles[found] as ProfileState);
}

function near(a: number, b: number): boolean {
  return Math.abs(a / b - 1) < 0.03;
}

function ratio(distance: number, error: number): number {
  if (distance === 0) return 0;
  return Math.max(-ratioMax, Math.min(ratioMax, distance / error));
}
