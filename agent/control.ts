/**
 * What stands behind the control API: the table with its hands on the rooms, the audit and the history in the store. agent.ts hands
 * over what it has; nothing of it is decided here.
 */
import { instruments } from "../exporters/instruments.ts";
import type { Meter } from "../exporters/meter.ts";
import type { Announce } from "../exporters/signal.ts";
import type { Recorded } from "../exporters/flight-recorder.ts";
import type { SignalHub } from "../exporters/websocket.ts";
import type { Analysis } from "./analysis.ts";
import type { HistoryDeps, historyKinds } from "./api/history.ts";
import type { Reloaded } from "./api/config.ts";
import { overrideShown, type OverrideRoutesDeps } from "./api/overrides.ts";
import type { RecordingsRead } from "./api/recordings.ts";
import type { ReviewRoutesDeps } from "./api/reviews.ts";
import type { Route } from "./api/route.ts";
import type { StateDocument } from "./api/state.ts";
import type { Audit } from "./audit.ts";
import type { Clock } from "./clock.ts";
import type { Config } from "./config/config.ts";
import { intake } from "./intake/intake.ts";
import type { Close } from "./lifecycle.ts";
import type { Log } from "./log.ts";
import type { Observe } from "./observation.ts";
import type { Override } from "./override.ts";
import type { RolloutControls } from "./rollout-view.ts";
import type { Shelf } from "./reference-shelf.ts";
import type { RetrainControls } from "./retrain-view.ts";
import { routes } from "./routes.ts";

/** What the history tells of: a closed set. */
export type HistoryKind = (typeof historyKinds)[number];

export interface ControlDeps {
  readonly clock: Clock;
  readonly log: Log;
  readonly meter: Meter;
  readonly version: string;
  readonly analysed: Analysis;
  readonly shelf: Shelf;
  readonly observe: Observe;
  readonly dropped: (what: string, count?: number) => void;
  readonly config: () => Config;
  /** What the model server speaks, as far as it is known. */
  readonly protocol: () => string;
  readonly state: () => StateDocument;
  readonly snapshot: SignalHub["snapshot"];
  readonly stream: SignalHub["stream"];
  /** The last 15 minutes. */
  readonly recorded: () => Recorded;
  readonly overrides: OverrideRoutesDeps;
  readonly reviews: ReviewRoutesDeps;
  readonly rollouts: RolloutControls;
  readonly retrain: RetrainControls;
  readonly recordings: RecordingsRead;
  readonly reload: (() => Promise<Reloaded>) | undefined;
  /** Another reference is in force; rooms that read it must do so anew. */
  readonly referenceChanged: () => Promise<void>;
}

export interface Control {
  readonly routes: readonly Route[];
  readonly audit: Audit;
  readonly answered: (route: string, status: number) => void;
  readonly happened: (kind: HistoryKind, detail: Readonly<Record<string, unknown>>) => void;
  /** Which override is in force now; heard as often as one likes. */
  readonly overridden: (override: Override | undefined) => void;
  /** Keeps what the history tells of. */
  readonly signal: Announce;
  readonly start: () => Close;
}

export function control({ clock, log, meter, analysed, shelf, observe, dropped, config, referenceChanged, ...deps }: ControlDeps): Control {
  const samples = intake(config().intake, { clock, observe, dropped, protocol: deps.protocol, model: () => config().model.name });
  const happened: Control["happened"] = (kind, detail) => analysed.append({ atWallMs: clock.wallMs(), kind, detail });
  const events: HistoryDeps["events"] = (query) => analysed.ask("events", query);

  const references = shelf.serve({
    read: (path, model) => analysed.ask("read-reference", { path, model }),
    use: (path) => analysed.useReference(path),
  });
  const told = async <Outcome extends { readonly result: string }>(changing: Promise<Outcome>): Promise<Outcome> => {
    const outcome = await changing;
    if (outcome.result !== "done") return outcome;
    happened("reference", { active: references.list().active });
    await referenceChanged();
    return outcome;
  };

  let overrideId: string | undefined;

  return {
    happened,
    overridden(override) {
      if (override?.id === overrideId) return;
      overrideId = override?.id;
      happened("override", { override: override === undefined ? null : overrideShown(override) });
    },
    audit({ atWallMs, ...entry }) {
      analysed.append({ atWallMs, kind: "audit", detail: entry });
      meter.counter(instruments.audited, { action: entry.action, result: entry.result }).add();
      log[entry.result === "refused" ? "warn" : "info"]({ who: entry.who, action: entry.action, subject: entry.subject, reason: entry.reason }, `${entry.action}: ${entry.result}`);
    },
    answered: (name, status) => meter.counter(instruments.apiRequests, { route: name, status: String(status) }).add(),
    signal(signal) {
      if (signal.type === "transition") {
        const { from, to, rung, reason, cause } = signal;
        happened("transition", { from, to, rung, reason, cause });
      }
      if (signal.type === "drift") {
        const { status, stream, detector, message, culprits } = signal;
        happened("drift", { status, stream, detector, message, culprits: culprits.slice(0, 5) });
      }
    },
    start: () => samples.start(),
    routes: routes({
      ...deps,
      clock,
      config,
      actual: observe,
      events,
      features: (question) => analysed.ask("features", question),
      samples: (...posted) => samples.take(...posted),
      referencesSizeMax: config().references.sizeMax,
      references: { ...references, activate: (digest) => told(references.activate(digest)), rollBack: () => told(references.rollBack()) },
    }),
  };
}
