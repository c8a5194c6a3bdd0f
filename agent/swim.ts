/**
 * The rooms that a reload replaces: gateway, ladder, probes, collectors and failover, made from one config and handed what
 * they need of each other as functions. What outlives a reload (listeners, series, subscribers, the analysis) is agent.ts's.
 */
import { dirname } from "node:path";
import type { Reference } from "../detectors/reference/reference.ts";
import { instruments } from "../exporters/instruments.ts";
import type { Meter } from "../exporters/meter.ts";
import type { Announce, Target } from "../exporters/signal.ts";
import { primaryName } from "./backend.ts";
import type { Audit } from "./audit.ts";
import { candidatePlace } from "./candidate.ts";
import type { Clock } from "./clock.ts";
import { collectors } from "./collectors/collectors.ts";
import type { Config } from "./config/config.ts";
import type { UnsureAnswer } from "./contract/unsure-answer.ts";
import { failover, type Failover, type FailoverDeps } from "./failover/failover.ts";
import type { SavedFailover } from "./failover/saved.ts";
import { ask } from "./forward/ask.ts";
import { sender } from "./forward/send.ts";
import { asksReference, gates } from "./gates.ts";
import type { Priority } from "./gateway/concurrency-limit.ts";
import type { OpenThread } from "./gateway/crew.ts";
import { gateway, type Gateway } from "./gateway/gateway.ts";
import type { HedgeResult } from "./gateway/hedging.ts";
import { quarantineKeeper } from "./gateway/quarantine-keeper.ts";
import type { SavedQuarantine } from "./gateway/saved-quarantine.ts";
import { gatewayOfWorkers } from "./gateway/workers.ts";
import type { RungPrice } from "./judgement.ts";
import { knownRange } from "./ladder/known-range.ts";
import { ladder } from "./ladder/ladder.ts";
import type { CandidateRung } from "./ladder/candidate-rung.ts";
import { Lifecycle } from "./lifecycle.ts";
import type { Log } from "./log.ts";
import { readReference } from "./monitors/reference-file.ts";
import type { Observe } from "./observation.ts";
import type { Override } from "./override.ts";
import { describer } from "./probes/describe.ts";
import { probes } from "./probes/probes.ts";
import { restarts } from "./probes/restarts.ts";
import type { ModelDescription } from "./protocols/protocol.ts";
import { modeOnDrift, onDriftWords } from "./reviews/options.ts";
import type { Deal } from "./trial.ts";
import { protocolNamed, type ProtocolName } from "./protocols/protocols.ts";

export interface SwimDeps {
  readonly clock: Clock;
  readonly log: Log;
  readonly meter: Meter;
  readonly announce: Announce;
  /** Hears everything that is seen, after failover has. */
  readonly observe: Observe;
  readonly dropped: (what: string, count?: number) => void;
  readonly save: (state: SavedFailover) => void;
  readonly audit: Audit;
  /** An answer was given that a person should look at. */
  readonly review: (answer: UnsureAnswer) => void;
  /** A decision is to be taken by whom the config says. */
  readonly decide: FailoverDeps["decide"];
  /** Another override is in force, or none any more. */
  readonly overridden: (override: Override | undefined) => void;
  /** What the server says of its model; and which version serves, and which was good before, as far as it is known. */
  readonly versions: { readonly described: (description: ModelDescription) => void; readonly current: () => string | undefined; readonly before: () => string | undefined };
  /** What the rungs are worth, as it was told last. */
  readonly prices: () => readonly RungPrice[];
  readonly saveQuarantine: (state: SavedQuarantine) => void;
  /** What the gateway is to do for a rollout; undefined while none runs. The same object while nothing changes. */
  readonly deal: () => Deal | undefined;
  /** A worker of the gateway; in a thread of its own by default. */
  readonly gatewayThread?: OpenThread | undefined;
}

/** What the rooms before these leave behind. */
export interface Legacy {
  readonly failover: unknown;
  readonly quarantine: unknown;
  /** The last revision that was announced. */
  readonly rev: number;
  /** What the server speaks, as configured or as found out. */
  readonly protocol: ProtocolName;
  /** Takes over the gateway's front; undefined at the first start. */
  readonly front: (() => unknown) | undefined;
}

export interface Swim {
  readonly gateway: Gateway;
  readonly failover: Failover;
  readonly address: { readonly address: string; readonly port: number };
  /** The primary and every rung. */
  backends(): readonly { readonly name: string; readonly kind: string }[];
  description(): ModelDescription | undefined;
  /** The gateway's place for a candidate. */
  readonly candidate: Pick<CandidateRung, "use" | "describe">;
  /** Asks the server anew what it serves. */
  describe(): void;
  /** What the rungs are worth now. */
  qualify(prices: readonly RungPrice[]): void;
  /** What a rung is worth; undefined where nothing is known of it. */
  price(rung: string): RungPrice | undefined;
  /** Which requests may have crashed the server, as other rooms can take it over. */
  quarantine(): SavedQuarantine;
  /** Closes behind the rooms that took over: what is begun is finished, but the state is theirs to tell and to keep. */
  retire(): Promise<readonly string[]>;
  /** Bounded by the gateway's drain; the names of the parts that did not close in time come back. */
  close(): Promise<readonly string[]>;
}

/** A model whose name is not known yet. */
export const unnamed = "unknown";

/** Rejects where the config's files can not be read or the listener can not be had; nothing is open then. */
export async function startSwim(config: Config, deps: SwimDeps, legacy: Legacy): Promise<Swim> {
  const { clock, log, meter, dropped } = deps;
  let retired = false;
  const life = new Lifecycle(clock, config.gateway.linger + config.gateway.drain + 2_000);
  const server = new URL(config.server.url);
  const protocol = protocolNamed(legacy.protocol, config.server.plain);

  // What is known of the model: configured, told by the server, or learnt from traffic.
  let model = config.model.name;
  const version = deps.versions.current;
  const target = (): Target => ({ model: model ?? unnamed, version: version(), endpoint: server.origin });

  const described = describer(
    { server, protocol, model, timeoutMs: 2_000 },
    {
      clock, log, ask,
      described(description) {
        model ??= description.name;
        steps.described();
      },
      told: (description) => retired || deps.versions.described(description),
    },
  );
  const others = sender(clock);
  const reference = await referenceFor(config, log);
  const range = knownRange(reference);
  const steps = ladder(config.ladder, {
    clock, log, protocol, server, dropped,
    plain: config.server.plain,
    describe: () => described.description(),
    send: others.send,
    knownGood: deps.versions.before,
    features: () => range.features(),
    inRange: (columns, rows) => range.outside(columns, rows),
    disagreement: (rung, ratio) => meter.gauge(instruments.rungDisagreement, { rung }).set(ratio),
    qualification: config.qualification.ratio > 0 ? {
      options: config.qualification,
      observe: (copy) => retired || deps.observe(copy),
      counted: (rung, result) => meter.counter(instruments.rungCopies, { rung, result }).add(),
    } : undefined,
  });
  steps.qualify(deps.prices());
  const room = failover({ ...config.failover, onDrift: onDriftWords[modeOnDrift(config.decisions, config.failover.onDrift)] }, {
    clock, target,
    announce: (signal) => retired || deps.announce(signal),
    rungs: () => steps.usable(),
    ladder: steps.rungs.map(({ name }) => name),
    doubt: steps.doubt,
    decide: deps.decide,
    audit: (entry) => retired || deps.audit(entry),
    overridden: (override) => retired || deps.overridden(override),
    routed: () => data.routed(),
    release: () => data.release("stalled"),
    save: (state) => retired || deps.save(state),
    saved: legacy.failover,
    rev: legacy.rev,
  });

  const ups = restarts();
  const observe: Observe = (observation) => {
    room.hear(observation);
    ups.hear(observation);
    if (observation.kind === "probe" && observation.verdict === "fail" && observation.reason === "refused") data.gone();
    if (observation.kind === "exchange" && observation.inference && observation.rung === primaryName && observation.outcome === "ok") {
      if (model === undefined && observation.model !== "") {
        model = observation.model;
        described.setModel(model);
      }
    }
    deps.observe(observation);
  };

  const suspects = meter.gauge(instruments.suspects, {});
  const quarantine = quarantineKeeper(config.gateway.quarantine, {
    clock, log,
    saved: legacy.quarantine,
    save: (state) => retired || deps.saveQuarantine(state),
    suspects: (count) => retired || suspects.set(count),
    letGo: (count) => dropped("suspect", count),
  });
  const { setup, counts, review } = gates(config, { log, meter, reference, review: deps.review });
  // Bound before the first, so that the first is seen as a rise.
  const retries = { taken: meter.counter(instruments.retries, { result: "taken" }), refused: meter.counter(instruments.retries, { result: "refused" }) };
  const place = candidatePlace(config.rollout.shadow, {
    clock, log, meter, observe, protocol, server,
    plain: config.server.plain,
    describe: () => described.description(),
    model: () => model,
    send: others.send,
  });
  const means = {
    clock, log, server, protocol, observe, dropped,
    rungs: steps.rungs,
    route: () => room.route(),
    claimTrial: () => room.claimTrial(),
    mayClaimTrial: () => room.mayClaimTrial(),
    version,
    traced: config.otlp.endpoint !== undefined && config.otlp.traces,
    retried: (result: keyof typeof retries) => retries[result].add(),
    hedged: (result: HedgeResult) => meter.counter(instruments.hedges, { result }).add(),
    unplaced: (priority: Priority) => meter.counter(instruments.unplaced, { priority }).add(),
    gates: asksReference(config) ? setup : undefined,
    gateCounts: counts,
    description: () => described.description(),
    review, quarantine,
    deal: deps.deal,
    candidate: place.rung,
    shadow: place.shadow,
    ...(config.ladder.some(({ kind }) => kind === "last-good") ? { remember: steps.remember } : {}),
    ...(config.ladder.length > 0 && config.qualification.ratio > 0 ? { qualify: { ratio: config.qualification.ratio, offer: steps.offer } } : {}),
    ...(config.model.name === undefined ? {} : { model: config.model.name }),
  };
  const data: Gateway =
    config.gateway.workers === 1 ? gateway(config.gateway, means) : gatewayOfWorkers(config.gateway, { ...means, plain: config.server.plain, openThread: deps.gatewayThread });
  const stateFolder = config.store.path === undefined ? undefined : dirname(config.store.path);
  const reads = collectors(config.collectors, { clock, log, ask, server, observe, stateFolder });
  const asks = probes(config.probes, { clock, log, ask, server, protocol, observe, model: () => model, work: () => data.work(), metrics: config.collectors.server.metrics, restarts: ups.count });

  try {
    life.opened("other servers", () => others.close());
    life.opened("ladder", await steps.start());
    life.opened("candidate", () => place.close());
    life.opened("failover", room.start());
    life.opened("quarantine", quarantine.start());
    life.opened("collectors", reads.start());
    life.opened("description", described.start());
    life.opened("probes", asks.start());
    const front = await data.start(legacy.front?.());
    life.opened("gateway", front.close);
    return {
      gateway: data,
      failover: room,
      address: front.address,
      backends: () => [{ name: primaryName, kind: primaryName }, ...steps.rungs.map(({ name, kind }) => ({ name, kind }))],
      description: () => described.description(),
      candidate: place.rung,
      describe: () => described.refresh(),
      qualify: steps.qualify,
      price: steps.price,
      quarantine: () => quarantine.saved(),
      retire() {
        retired = true;
        return life.close();
      },
      close: () => life.close(),
    };
  } catch (error) {
    await life.close();
    throw error;
  }
}

/** The reference, where a rung or a gate asks what it knows; one that can not be read is logged, and such rungs answer nothing. */
async function referenceFor({ model, ladder: rungs, ...sections }: Config, log: Log): Promise<Reference | undefined> {
  const asked = rungs.some((rung) => rung.kind === "rules" || rung.validity === "reference") || asksReference(sections);
  if (!asked || model.reference === undefined) return undefined;
  const read = await readReference(model.reference, model.name);
  if (!read.ok) log.warn({}, read.message);
  return read.ok ? read.reference : undefined;
}
