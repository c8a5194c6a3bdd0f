/**
 * The alarms that would have fired: rows go through the very code that watches live traffic, on a clock that the data turn.
 * Where rows have no times, ten come a second.
 */
import type { Reference, Value } from "../../detectors/reference/reference.ts";
import type { Judgement } from "../judgement.ts";
import { FeatureDrift } from "../monitors/feature-drift.ts";
import { isSameClass } from "../protocols/plain-class.ts";
import { RateMonitor } from "../monitors/rate-monitor.ts";
import type { FalseAlarmBudget } from "../units.ts";
import type { AlarmKind, ReplayAlarm } from "./replay-result.ts";
import { isoTime } from "./times.ts";

/** From one row to another, both included: an alarm was raised and not over. */
export interface Span {
  readonly kind: AlarmKind;
  readonly first: number;
  last: number;
}

export interface LiveAlarms {
  /** Rows in order. `times` in milliseconds since the epoch, where rows have some. */
  hear(rows: LiveRows): void;
  /** No rows follow. */
  end(): void;
  readonly alarms: readonly ReplayAlarm[];
  readonly spans: readonly Span[];
}

export interface LiveRows {
  readonly first: number;
  readonly rows: number;
  readonly columns: ReadonlyMap<string, readonly Value[]>;
  readonly scores: readonly Value[] | undefined;
  readonly predictions: readonly Value[] | undefined;
  /** Null where it is not known. */
  readonly actuals: readonly Value[] | undefined;
  readonly times: ArrayLike<number> | undefined;
}

/** As in a live Pilotfish: the evidence is looked at so often. */
const lookRows = 16;
/** Live it is each second. */
const tickRows = 64;
const rowMs = 100;
const clearMs = 600_000;
const windowRows = 2_000;
/** A rise of the share of wrong predictions that is smaller matters to nobody; as live. */
const riseMin = 0.01;

/** By the stream that a judgement is of. */
const kinds: Readonly<Record<string, AlarmKind>> = { features: "drift", violations: "violations", mistakes: "mistakes" };

export function liveAlarms(reference: Reference, falseAlarms: FalseAlarmBudget): LiveAlarms {
  const { model } = reference;
  const alarms: ReplayAlarm[] = [];
  const spans: Span[] = [];
  let row = 0;
  let time: string | undefined;
  let nowMs = 0;

  /** The alarms that are on, by stream. */
  const open = new Map<string, { readonly span: Span; readonly named: Set<string> }>();

  function told({ stream, verdict, culprits, message }: Judgement): void {
    const kind = kinds[stream] ?? "drift";
    const on = open.get(stream);
    if (verdict === "stable") {
      if (on !== undefined) on.span.last = row;
      open.delete(stream);
      return;
    }
    const { named } = on ?? { named: new Set<string>() };
    if (on === undefined) {
      const span: Span = { kind, first: row, last: Infinity };
      spans.push(span);
      open.set(stream, { span, named });
    }
    // A lasting alarm is told again and again; only a culprit that was not named yet is news.
    const alarm = { row, ...(time !== undefined && { time }), kind, message };
    const news = culprits.filter(({ name }) => !named.has(name));
    for (const { name } of news) {
      named.add(name);
      alarms.push({ ...alarm, feature: name });
    }
    if (on === undefined && news.length === 0) alarms.push(alarm);
  }

  const drift = new FeatureDrift(reference, { model, falseAlarms, window: windowRows, clear: clearMs }, told);
  const mistakes = new RateMonitor({ model, clear: clearMs, stream: "mistakes", verdict: "drift", riseMin, what: "the share of wrong predictions" }, told);

  function tick(): void {
    drift.tick(nowMs, nowMs);
    mistakes.tick(nowMs, nowMs);
  }

  return {
    alarms,
    spans,

    hear({ first, rows, columns, scores, predictions, actuals, times }) {
      // Slices that end where the evidence is looked at, so that an alarm is known to the row.
      for (let from = 0, to = 0; from < rows; from = to) {
        to = Math.min(rows, from + lookRows - ((first + from) % lookRows));
        row = first + to - 1;
        const atMs = times?.[to - 1];
        nowMs = atMs === undefined ? row * rowMs : Math.max(nowMs, atMs);
        time = atMs === undefined ? undefined : isoTime(atMs);
        const slice = new Map([...columns].map(([name, values]) => [name, values.slice(from, to)]));
        drift.hear(slice, to - from, scores?.slice(from, to), nowMs, nowMs);
        for (let at = from; at < to; at += 1) {
          const actual = actuals?.[at] ?? undefined;
          const prediction = predictions?.[at] ?? undefined;
          if (actual === undefined || prediction === undefined) continue;
          row = first + at;
          mistakes.push(isSameClass(prediction, actual) ? 0 : 1, nowMs, nowMs);
        }
        row = first + to - 1;
        if ((first + to) % tickRows === 0) tick();
      }
    },

    end() {
      tick();
      for (const span of spans) span.last = Math.min(span.last, row);
    },
  };
}
