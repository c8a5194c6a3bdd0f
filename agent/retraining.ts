/** Where training anew is asked for: what the room (rollout/retrain/retrain.ts) is handed of the analysis, the decisions and the swim. */
import { dirname, join } from "node:path";
import { instruments } from "../exporters/instruments.ts";
import type { Meter } from "../exporters/meter.ts";
import type { Analysis, AnalysisOptions } from "./analysis.ts";
import type { Clock } from "./clock.ts";
import type { Config } from "./config/config.ts";
import type { Control } from "./control.ts";
import type { Decisions } from "./decisions.ts";
import { ask } from "./forward/ask.ts";
import type { Log } from "./log.ts";
import { retrain, type Retrain } from "./rollout/retrain/retrain.ts";

export interface RetrainingDeps {
  readonly clock: Clock;
  readonly log: Log;
  readonly meter: Meter;
  /** In force now. */
  readonly config: () => Config;
  readonly analysed: Pick<Analysis, "ask" | "save">;
  readonly decide: Decisions["decide"];
  readonly model: () => string;
  readonly happened: Control["happened"];
  readonly saved: unknown;
}

/** What the analysis keeps for it; undefined where nothing is to be kept. */
export function windowKept({ retrain: { enabled, window } }: Config): AnalysisOptions["window"] {
  return enabled ? { rows: window.rows, bytes: window.bytes } : undefined;
}

/** By the config at the start; who decides may change with a reload. */
export function retraining({ retrain: options, store }: Config, { clock, log, meter, config, analysed, decide, model, happened, saved }: RetrainingDeps): Retrain {
  return retrain(options, {
    clock, log, ask, model, saved,
    mode: () => config().decisions.retrain.mode,
    decide: (asked) => decide("retrain", asked),
    windowNow: () => analysed.ask("window-now", {}),
    writeWindow: (asked) => analysed.ask("write-window", asked),
    folder: options.folder ?? (store.path === undefined ? undefined : join(dirname(store.path), "retrain")),
    save: (state) => analysed.save("retrain", state),
    counted: (result) => meter.counter(instruments.retrains, { model: model(), result }).add(),
    happened: ({ id, who, state, why, window, problem, deliveries }) =>
      happened("retrain", {
        id, who, state, reason: why.reason ?? null, streams: why.streams.map(({ stream, culprits }) => ({ stream, culprits })),
        window: window === undefined ? null : { location: window.location, rows: window.rows, actuals: window.actuals }, problem: problem ?? null,
        deliveries: deliveries.map(({ target, state: of, attempts }) => ({ target, state: of, attempts })),
      }),
  });
}
