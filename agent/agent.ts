/**
 * The whole of it: opens what outlives a reload (series, subscribers, pages, the analysis, the API), sets the swim going
 * (swim.ts) and hands what is seen, judged and announced to whoever must know. The only place where siblings meet.
 */
import { hostname } from "node:os";
import { alertmanager } from "../exporters/alertmanager.ts";
import { exporters } from "../exporters/exporters.ts";
import { instruments } from "../exporters/instruments.ts";
import { alsoTo } from "../exporters/logs.ts";
import { Meter } from "../exporters/meter.ts";
import { droppedAs, startOpenTelemetry, telemetryOff } from "../exporters/opentelemetry.ts";
import { metricsHandler } from "../exporters/prometheus.ts";
import type { Announce, DriftSignal, Signal, Target } from "../exporters/signal.ts";
import { signalHub } from "../exporters/websocket.ts";
import { actuating } from "./actuating.ts";
import { analysis, type Analysis } from "./analysis.ts";
import { api, type RunningApi } from "./api/api.ts";
import { consolePages } from "./api/console.ts";
import type { Reloaded } from "./api/config.ts";
import { metricsListener } from "./api/metrics-listener.ts";
import type { Readiness } from "./api/open-routes.ts";
import type { Audit } from "./audit.ts";
import { primaryName } from "./backend.ts";
import type { Clock } from "./clock.ts";
import type { Config } from "./config/config.ts";
import { control } from "./control.ts";
import { decisions } from "./decisions.ts";
import { directives } from "./directives.ts";
import { followerGauges } from "./followers.ts";
import { ask } from "./forward/ask.ts";
import { incidents } from "./incidents.ts";
import type { Judgement, RungPrice } from "./judgement.ts";
import { levelGauges } from "./level-gauges.ts";
import { Lifecycle } from "./lifecycle.ts";
import type { Log } from "./log.ts";
import type { Observation } from "./observation.ts";
import type { Override } from "./override.ts";
import { recorder } from "./recorder.ts";
import { retraining, windowKept } from "./retraining.ts";
import { openShelf } from "./reference-shelf.ts";
import { rolloutRoom } from "./rollouts.ts";
import { logSignal } from "./signal-log.ts";
import { stateView } from "./state-document.ts";
import { recordingFiles } from "./store/recordings.ts";
import { succession } from "./succession.ts";
import { unnamed, type SwimDeps } from "./swim.ts";
import { servedVersions } from "./versions.ts";

export interface AgentDeps {
  readonly clock: Clock;
  readonly log: Log;
  readonly version: string;
  /** Reads the config again, as the API may ask for; without it there is nothing to read again. */
  readonly reload?: () => Promise<Reloaded>;
  /** In a thread of its own by default; tests run it on theirs. */
  readonly analysis?: typeof analysis;
  /** A worker of the gateway, in a thread of its own by default. */
  readonly gatewayThread?: SwimDeps["gatewayThread"];
  /** Where the config says that a secret is in a variable. */
  readonly environment?: (name: string) => string | undefined;
}

interface Listener {
  readonly host: string;
  readonly port: number;
}

export interface RunningAgent {
  readonly listeners: { readonly gateway: Listener; readonly api: Listener; readonly metrics: Listener };
  /** Drains, then closes every part, the last opened first. The names of the parts that did not close in time come back. */
  close(): Promise<readonly string[]>;
  /** Puts a new config in force without losing a request. Sections that only count at the start are named. */
  reload(config: Config): Promise<Reloaded>;
  /** A config was offered that can not be used. */
  refused(): void;
}

/** How long the analysis' series outlive its last word: it speaks each second. */
const analysisTtlMs = 60_000;

/** Rejects where a listener can not be had; everything else that is missing is said and done without. */
export async function startAgent(given: Config, { clock, log: written, version, reload, analysis: analyse = analysis, gatewayThread, environment = () => undefined }: AgentDeps): Promise<RunningAgent> {
  const shelf = await openShelf(given.references, { clock, log: written, model: given.model, storePath: given.store.path });
  /** With the reference that is in force, which may have been uploaded. */
  const referring = (to: Config): Config => ({ ...to, model: { ...to.model, reference: shelf.path() } });
  const first = referring(given);
  const instance = hostname();
  const meter = new Meter(clock, { exponential: first.otlp.endpoint !== undefined && first.otlp.histograms === "exponential" });
  let telemetry = telemetryOff;
  const log = alsoTo(written, (level, fields, message) => telemetry.logged(level, fields, message));
  const dropped = (what: string, count: number = 1) => meter.counter(instruments.dropped, { what }).add(count);
  const reloadOk = meter.gauge(instruments.configReloadOk, {});
  meter.gauge(instruments.buildInfo, { version }).set(1);
  reloadOk.set(1);

  const swims = succession(first, { clock, log, referring, reloadOk: (isOk) => reloadOk.set(isOk ? 1 : 0), replaced });
  function replaced(isSameServer: boolean): void {
    if (!isSameServer) served.forget();
    rolled.reseat();
  }
  const { config, swim } = swims;
  const life = new Lifecycle(clock, () => config().gateway.linger + config().gateway.drain + 4_000);
  let prices: readonly RungPrice[] = [];
  let ready: Readiness = { ready: false, reasons: ["the sidecar is starting"] };

  // Who is told.
  let authenticate: RunningApi["authenticate"] = () => undefined;
  const hub = signalHub({ clock, instance, log, dropped, authenticate: (token) => authenticate(token), nacked: (code) => meter.counter(instruments.nacks, { code }).add(), subscribers: (count) => meter.gauge(instruments.subscribers, {}).set(count) }, first.signals);
  const pages = alertmanager(first.alertmanager, {
    clock, meter, log,
    async post(url, body, timeoutMs) {
      const asked = await ask(clock, { url, method: "POST", headers: { "content-type": "application/json" }, body, timeoutMs });
      if (!asked.ok) return { ok: false, detail: asked.detail };
      return { ok: asked.status < 300, status: asked.status, detail: `status ${asked.status}: ${asked.body.toString("utf8", 0, 400)}` };
    },
  });
  life.opened("alertmanager", pages.start());

  const recordings = recordingFiles(first.store.path, first.store.recordingsMax, log);
  const incident = incidents({ clock, meter, log, version, instance, recordings });
  life.opened("incidents", incident.start());

  const record = recorder(meter, clock, () => [primaryName, ...config().ladder.map(({ name }) => name), "none"], 3 * first.collectors.interval);
  const view = stateView({ version, instance, swim, followers: hub.view });
  const directs = directives({ clock, announce: (signal) => announce(signal), target: () => swim()?.failover.current().target });
  const announce: Announce = exporters(
    {
      // What is told of a target stays with whoever hears it, so a target that has no name yet is not told.
      signals: (signal) => isNamed(signal) && hub.announce(signal),
      alertmanager: (signal) => pages.signal(signal),
      opentelemetry: (signal) => telemetry.signal(signal),
      series: (signal) => isNamed(signal) && record.signal(signal),
      state: view.signal,
      history: (signal) => controlled.signal(signal),
      incidents: (signal) => isNamed(signal) && incident.signal(signal),
      log: (signal) => logSignal(log, signal),
      directives: directs.signal,
    },
    { log },
  );

  function judge(judgement: Judgement): void {
    record.judgement(judgement);
    swim()?.failover.judge(judgement);
    served.judge(judgement);
    retrained.judgement(judgement);
    const { verdict, culprits, message, ...fields } = judgement;
    log[verdict === "stable" ? "info" : "warn"]({ ...fields, verdict, culprits: culprits.slice(0, 5) }, message);
    const pageable = judgement.stream === "features" || judgement.stream === "mistakes" || judgement.stream === "error-rate";
    const target = swim()?.failover.current().target;
    if (target !== undefined && pageable && (verdict === "drift" || verdict === "stable")) announce(driftSignal(judgement, target));
  }

  // Who analyses: another thread, which also keeps what outlives us.
  const analysed = analyse(
    {
      monitors: first.monitors, qualification: first.qualification, window: windowKept(first), store: first.store, model: first.model.name, referencePath: first.model.reference, plain: first.server.plain,
      spoolMax: first.otlp.endpoint === undefined ? undefined : first.otlp.queueMax,
    },
    {
      clock, log, dropped, judge,
      spoolLost: (lane, items) => dropped(droppedAs[lane], items),
      points(told) {
        // Of a rung that is no more, or is another under the same name, nothing is so.
        const points = told.filter(({ labels: { rung } }) => rung === undefined || rung === primaryName || swim()?.price(rung) !== undefined);
        view.points(points);
        meter.observe(points, analysisTtlMs);
      },
      note(text) {
        view.note(text);
        log.info({}, text);
      },
      trial: (reading) => rolled.hear(reading),
      prices(told) {
        prices = told;
        swim()?.qualify(told);
      },
    },
  );
  // Until all are there who hear of it, nothing is awaited: the next word of the analysis would find nobody.
  const { saved } = await analysed.start();
  life.opened("analysis", () => analysed.close());
  const observe = (observation: Observation): void => {
    record.observation(observation);
    view.observation(observation);
    rolled.observation(observation);
    if (observation.kind === "exchange") telemetry.exchange(observation);
    const heard = rolled.asServed(observation);
    served.observation(heard);
    if (heard.kind === "sample" || heard.kind === "copy" || heard.kind === "exchange" || heard.kind === "actual" || heard.kind === "trial" || heard.kind === "shadow") analysed.hear(heard);
  };
  const audit: Audit = (entry) => controlled.audit(entry);
  const save: Analysis["save"] = (key, state) => analysed.save(key, state);
  const decided = decisions({ clock, log, meter, audit, observe, dropped, config, swim, page: (approval) => pages.signal(approval), save: (state) => analysed.save("reviews", state), saved: saved.get("reviews") });
  const rolled = rolloutRoom({
    clock, log, meter, announce, audit, config, swim, saved, environment,
    protocol: swims.protocol,
    seat: () => swim()?.candidate,
    decide: decided.decide,
    happened: (kind, detail) => controlled.happened(kind, detail),
    act: (actuation) => tellers.run(actuation),
    dealt: () => swim()?.gateway.routed(),
    useTrial: (setup) => analysed.useTrial(setup),
    versions: () => served.view(),
    save,
  });
  const tellers = actuating({ clock, log, meter, announce, followers: hub.view, instance, environment, config, swim, protocol: swims.protocol, told: rolled.reported, page: (unheard) => pages.signal(unheard), save, saved });
  const overridden = (override: Override | undefined): void => {
    decided.overridden(override);
    directs.override(override);
    controlled.overridden(override);
  };
  const retrained = retraining(first, {
    clock, log, meter, analysed, saved: saved.get("retrain"),
    config,
    decide: decided.decide,
    model: () => swim()?.failover.current().target.model ?? unnamed,
    happened: (kind, detail) => controlled.happened(kind, detail),
  });
  const controlled = control({
    clock, log, meter, version, analysed, shelf, observe, dropped, reload, config,
    protocol: swims.protocol,
    state: view.document,
    snapshot: hub.snapshot,
    stream: hub.stream,
    recorded: incident.recorded,
    overrides: decided.overrides,
    reviews: decided.reviews,
    rollouts: rolled.controls,
    retrain: retrained,
    recordings,
    async referenceChanged() {
      await swims.renew();
      served.referenceChanged();
    },
  });
  const served = servedVersions({
    clock, log, meter, announce, analysed,
    options: first.rollout.versions,
    happened: controlled.happened,
    server: () => config().server.url,
    reference: () => ({ path: shelf.path(), model: first.model.name }),
    swim,
    rollback: ({ from, to, why }) => void rolled.rollbackVersion({ from: from.version ?? unnamed, to, why }),
    trying: () => (rolled.current()?.phase === "trying" || rolled.current()?.phase === "asking" ? rolled.candidate()?.version : undefined),
    save: (state) => save("versions", state),
    saved: saved.get("versions"),
  });
  // Closed before the analysis, which keeps what the Collector does not take.
  telemetry = await startOpenTelemetry(first.otlp, {
    clock, meter,
    log: written,
    resource: { serviceName: "pilotfish", version, instanceId: instance, attributes: {} },
    spool: first.store.path === undefined ? undefined : analysed.spool,
  });
  life.opened("opentelemetry", () => telemetry.close());
  life.opened("intake", controlled.start());
  let listeners: RunningAgent["listeners"];
  const swimDeps: SwimDeps = { clock, log, meter, announce, observe, dropped, versions: served, save: (state) => analysed.save("failover", state), audit, overridden, review: decided.review, decide: decided.onDrift, saveQuarantine: (state) => analysed.save("quarantine", state), prices: () => prices, deal: rolled.deal, gatewayThread };

  try {
    // Opened in this order, closed in the other: the gateway drains while all others still serve it, and who listens to
    // the signals hears the last word before the API goes.
    const open = { log, metrics: metricsHandler(meter, clock), ready: () => ready };
    const controls = await api(first.api, { ...open, ...controlled, pages: consolePages(log), clock, dropped, connect: hub.connect }).start();
    authenticate = controls.authenticate;
    life.opened("api", controls.close);
    const scraped = await metricsListener(first.metrics, { ...open, clock }).start();
    life.opened("metrics", scraped.close);
    life.opened("signals", () => hub.close("the sidecar is closing"));
    life.opened("gauges", levelGauges(clock, meter, () => swim()?.gateway, () => analysed.depth()));
    life.opened("followers", followerGauges(clock, meter, hub.view));
    const begun = await swims.start(swimDeps, { failover: saved.get("failover"), quarantine: saved.get("quarantine") });
    life.opened("actuators", tellers.start());
    life.opened("versions", served.start());
    life.opened("rollouts", rolled.run());
    life.opened("reviews", decided.start());
    life.opened("retrain", retrained.start());
    life.opened("swim", swims.close);
    ready = { ready: true, reasons: [] };
    listeners = { gateway: { host: begun.address.address, port: begun.address.port }, api: controls.address, metrics: scraped.address };
    log.info({ version, ...listeners, server: first.server.url, ladder: begun.backends().map(({ name }) => name) }, "swimming");
  } catch (error) {
    await life.close();
    throw error;
  }

  return {
    listeners,
    async close() {
      log.info({}, "draining");
      ready = { ready: false, reasons: ["the sidecar is draining"] };
      swim()?.failover.drain();
      // Told before the gateway lingers: who sends it traffic needs the time to send it elsewhere.
      directs.closing();
      return life.close();
    },
    async reload(offered) {
      const reloaded = await swims.reload(offered);
      if (reloaded.ok) controlled.happened("config", { result: "reloaded", atNextStart: reloaded.atNextStart });
      return reloaded;
    },
    refused() {
      reloadOk.set(0);
      controlled.happened("config", { result: "refused" });
    },
  };
}

function driftSignal({ stream, detector, culprits, statistic, threshold, message, atWallMs, verdict }: Judgement, target: Target): DriftSignal {
  return { type: "drift", target, status: verdict === "drift" ? "firing" : "resolved", stream, detector, culprits, statistic, threshold, message, atWallMs };
}

function isNamed({ target }: Signal): boolean {
  return target.model !== unnamed;
}
