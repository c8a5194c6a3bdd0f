/**
 * The rollout room with its hands on the others: the gateway's place for a candidate, the judge, whoever decides, the history, the
 * store, and whoever tells the world. Nothing is decided here.
 */
import type { Meter } from "../exporters/meter.ts";
import type { Announce, Target } from "../exporters/signal.ts";
import type { Analysis } from "./analysis.ts";
import type { Audit } from "./audit.ts";
import { primaryName } from "./backend.ts";
import type { Clock } from "./clock.ts";
import type { Config } from "./config/config.ts";
import type { Decisions } from "./decisions.ts";
import { ask } from "./forward/ask.ts";
import type { Log } from "./log.ts";
import type { Observation, Observe } from "./observation.ts";
import { protocolNamed, type ProtocolName } from "./protocols/protocols.ts";
import { loadVersion, type RepositoryDeps } from "./rollout/actuators/repository.ts";
import type { RolloutControls } from "./rollout-view.ts";
import { rollouts, type Rollouts, type RolloutsDeps } from "./rollout/rollouts.ts";
import type { CandidateSeat } from "./rollout/seat.ts";
import { rolloutSeries } from "./rollout/series.ts";
import { unnamed, type Swim } from "./swim.ts";
import { candidateName } from "./trial.ts";
import { trialSeries } from "./trial-series.ts";

export interface RolloutRoomDeps {
  readonly clock: Clock;
  readonly log: Log;
  readonly meter: Meter;
  readonly announce: Announce;
  readonly audit: Audit;
  readonly happened: (kind: "rollout", detail: Readonly<Record<string, unknown>>) => void;
  readonly decide: Decisions["decide"];
  readonly config: () => Config;
  /** undefined until it has begun. */
  readonly swim: () => Pick<Swim, "failover" | "description"> | undefined;
  readonly protocol: () => ProtocolName;
  /** Where the config says that the server's secret is in a variable. */
  readonly environment: RepositoryDeps["environment"];
  /** The gateway's place for a candidate; undefined where it has none. */
  readonly seat: () => CandidateSeat | undefined;
  readonly dealt?: RolloutsDeps["dealt"];
  /** Absent: nobody judges, and nothing is promoted without a person. */
  readonly useTrial?: RolloutsDeps["useTrial"] | undefined;
  /** Absent: nobody is told but by signals. */
  readonly act?: RolloutsDeps["act"] | undefined;
  readonly versions?: RolloutControls["versions"] | undefined;
  readonly save: Analysis["save"];
  readonly saved: ReadonlyMap<string, unknown>;
}

export interface RolloutRoom extends Rollouts {
  /** For the API. */
  readonly controls: RolloutControls;
  /** Counts trials. */
  readonly observation: Observe;
  /** What whoever watches the model that serves is to hear: once the candidate was promoted it and the primary have changed places. */
  readonly asServed: (observation: Observation) => Observation;
}

const key = "rollouts";
const nothingKnown = { current: undefined, lastKnownGood: undefined, goodSinceWallMs: undefined, dwellMs: 0, before: [] };
const seatless = { ok: false, detail: "the gateway has no place for a candidate" } as const;

export function rolloutRoom({ clock, log, meter, announce, audit, config, swim, seat, versions = () => nothingKnown, ...deps }: RolloutRoomDeps): RolloutRoom {
  const target = (): Target => swim()?.failover.current().target ?? { model: config().model.name ?? unnamed, version: undefined, endpoint: new URL(config().server.url).origin };
  const model = (): string => target().model;
  const room = rollouts({
    clock, log, announce, audit, target,
    options: () => config().rollout,
    modes: () => ({ promotion: config().decisions.promotion.mode, rollback: config().decisions.rollback.mode }),
    decide: deps.decide,
    primary: () => ({ model: model(), url: config().server.url, version: target().version, versions: swim()?.description()?.versions ?? [] }),
    description: () => swim()?.description(),
    load: (version, timeoutMs) => loadVersion(repositoryOptions(config()), model(), version, timeoutMs, { clock, ask, environment: deps.environment, protocol: () => protocolNamed(deps.protocol(), config().server.plain), server: () => new URL(config().server.url) }),
    seat: {
      use: (candidate) => seat()?.use(candidate) ?? Promise.resolve(candidate === undefined ? { ok: true } : seatless),
      describe: (candidate) => seat()?.describe(candidate) ?? Promise.resolve(undefined),
    },
    happened: (detail) => deps.happened("rollout", detail),
    dealt: deps.dealt ?? (() => {}),
    useTrial: deps.useTrial ?? (() => {}),
    act: deps.act ?? (() => {}),
    series: rolloutSeries(meter, model),
    save: (state) => deps.save(key, state),
    saved: deps.saved.get(key),
  });
  return {
    ...room,
    controls: { current: room.current, start: room.start, promote: room.promote, abort: room.abort, versions },
    observation: trialSeries(meter, model),
    asServed(observation) {
      const deal = room.deal();
      return deal === undefined || deal.judged || deal.weight < 1 ? observation : placesChanged(observation);
    },
  };
}

/** An inference that was answered by the one is as if it had been answered by the other. */
function placesChanged(observation: Observation): Observation {
  if (observation.kind !== "exchange" && observation.kind !== "sample") return observation;
  if (observation.rung === candidateName) return { ...observation, rung: primaryName };
  return observation.rung === primaryName ? { ...observation, rung: candidateName } : observation;
}

/** How the server is told of versions: as the actuator is that tells it of the others, where there is one. */
function repositoryOptions({ rollout }: Config): Parameters<typeof loadVersion>[0] {
  return rollout.actuators.find((actuator) => actuator.kind === "repository") ?? { versions: "auto" };
}
