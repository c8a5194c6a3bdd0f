/**
 * Which versions serve, wired: what answers, descriptions, the reference and the judgements say goes to the room, what it finds
 * goes to signals, history, series and the log, and a loss that began with a version to whoever rolls back.
 */
import { instruments } from "../exporters/instruments.ts";
import type { Meter } from "../exporters/meter.ts";
import type { Announce, Target } from "../exporters/signal.ts";
import type { Analysis } from "./analysis.ts";
import { primaryName } from "./backend.ts";
import type { Clock } from "./clock.ts";
import type { HistoryKind } from "./control.ts";
import type { Judgement } from "./judgement.ts";
import type { Close } from "./lifecycle.ts";
import type { Log } from "./log.ts";
import type { Observation } from "./observation.ts";
import type { ModelDescription } from "./protocols/protocol.ts";
import type { VersionsView } from "./rollout-view.ts";
import type { VersionsOptions } from "./rollout/versions/options.ts";
import type { SavedVersions } from "./rollout/versions/saved.ts";
import { versions, type Found, type RollbackAsked } from "./rollout/versions/versions.ts";
import type { Swim } from "./swim.ts";

export interface ServedVersionsDeps {
  readonly clock: Clock;
  readonly log: Log;
  readonly meter: Meter;
  readonly options: VersionsOptions;
  readonly announce: Announce;
  readonly happened: (kind: HistoryKind, detail: Readonly<Record<string, unknown>>) => void;
  readonly analysed: Pick<Analysis, "ask">;
  /** The file of the reference in force, and the model's name where it is configured. */
  readonly reference: () => { readonly path: string | undefined; readonly model: string | undefined };
  readonly swim: () => Swim | undefined;
  readonly rollback: (asked: RollbackAsked) => void;
  readonly trying: () => string | undefined;
  /** What is saved is of this server, and means nothing of another. */
  readonly server: () => string;
  readonly save: (state: { readonly server: string; readonly state: SavedVersions }) => void;
  readonly saved: unknown;
}

export interface ServedVersions {
  readonly observation: (observation: Observation) => void;
  readonly judge: (judgement: Judgement) => void;
  readonly described: (description: ModelDescription) => void;
  /** Another reference may be in force. */
  readonly referenceChanged: () => void;
  /** Another server takes the place of the one that was. */
  readonly forget: () => void;
  readonly current: () => string | undefined;
  /** Known to be good, or the one before. */
  readonly before: () => string | undefined;
  readonly view: () => VersionsView;
  readonly start: () => Close;
}

const gaugeMs = 1_000;
/** Samples that come without exchanges are others' (intake); with them they would count twice. */
const exchangesMs = 60_000;

export function servedVersions({ clock, log, meter, announce, happened, analysed, reference, swim, rollback, server, save, saved, ...deps }: ServedVersionsDeps): ServedVersions {
  let exchangeMs = -Infinity;
  const target = (): Target | undefined => swim()?.failover.current().target;

  const room = versions({
    ...deps,
    clock, target, rollback,
    save: (state) => save({ server: server(), state }),
    saved: ofServer(saved, server()),
    status: () => swim()?.failover.current().status ?? "unknown",
    announce(signal) {
      const { from, to, message } = signal;
      log.info({ from, to }, message);
      happened("version", { from: from ?? null, to, message });
      if (from !== undefined) meter.counter(instruments.versionChanges, { model: signal.target.model }).add();
      announce(signal);
    },
    found(found) {
      const { verdict, stream, version, message } = found;
      const follows = followsOf(found);
      log[verdict === "version" ? "warn" : "info"]({ verdict, stream, version, follows }, message);
      happened("version", { to: version, verdict, stream, message, follows });
    },
    describe: () => swim()?.describe(),
  });
  const gauges = [levelOf(meter, "versionInfo"), levelOf(meter, "knownGood")] as const;

  function show(): void {
    const model = target()?.model;
    const { current, lastKnownGood } = room.view();
    gauges[0](model === undefined || current === undefined ? undefined : { model, version: current.version ?? "unknown", digest: current.digest ?? "unknown", reference: current.reference ?? "unknown" });
    gauges[1](model === undefined || lastKnownGood === undefined ? undefined : { model, version: lastKnownGood.version ?? "unknown", reference: lastKnownGood.reference ?? "unknown" });
  }

  async function findReference(): Promise<void> {
    const { path, model } = reference();
    const facts = path === undefined ? undefined : await analysed.ask("read-reference", { path, model });
    room.reference(facts?.ok === true ? facts.digest : undefined);
  }

  return {
    observation(observation) {
      if (observation.kind === "exchange" && observation.inference && observation.outcome === "ok" && observation.rung === primaryName) {
        exchangeMs = clock.monotonicMs();
        if (isOfModel(observation.model)) room.answered(observation.version);
      }
      const isOthers = observation.kind === "sample" && observation.rung === primaryName && clock.monotonicMs() - exchangeMs > exchangesMs;
      if (isOthers && isOfModel(observation.model)) room.answered(observation.version);
    },
    judge: room.judge,
    described: ({ versions: all, digest }) => room.described(all, digest),
    referenceChanged: () => void findReference(),
    forget() {
      room.forget();
      swim()?.describe();
    },
    current: () => room.current()?.version,
    before: room.before,
    view: room.view,
    start() {
      void findReference();
      const stop = room.start();
      const cancel = clock.every(gaugeMs, show);
      return async () => {
        cancel();
        await stop();
      };
    },
  };

  function isOfModel(model: string): boolean {
    return model === target()?.model;
  }
}

function ofServer(saved: unknown, server: string): unknown {
  return typeof saved === "object" && saved !== null && "server" in saved && saved.server === server && "state" in saved ? saved.state : undefined;
}

function followsOf({ rollback }: Found): string {
  return rollback.to === undefined ? `nothing: ${rollback.why}` : `back to version ${rollback.to}`;
}

/** A series that is always 1, under the labels that are so now. */
function levelOf<Name extends "versionInfo" | "knownGood">(meter: Meter, name: Name): (labels: Record<(typeof instruments)[Name]["labels"][number], string> | undefined) => void {
  const instrument = instruments[name];
  let shown: Readonly<Record<string, string>> | undefined;
  return (labels) => {
    if (shown !== undefined && JSON.stringify(shown) !== JSON.stringify(labels)) meter.drop(instrument, shown);
    shown = labels;
    if (labels !== undefined) meter.observe([{ instrument, labels, value: 1 }], 60 * gaugeMs);
  };
}
