/**
 * The catalogue: every series that Pilotfish exports. Recording, panels and alert rules take an instrument from here, never
 * a name, so a wrong label does not compile and a renamed series can not leave a dead rule behind.
 *
 * Names are OpenTelemetry's where a convention exists (http, hw, container, process), `pilotfish.` otherwise. The Prometheus
 * name follows by rule (`prometheusName`) and is the same by scrape and by OTLP through a Collector.
 */
export type InstrumentKind = "counter" | "gauge" | "histogram";

export interface Instrument<Kind extends InstrumentKind = InstrumentKind, Label extends string = string> {
  /** OpenTelemetry's dotted name. */
  readonly name: string;
  readonly kind: Kind;
  /** UCUM: `s`, `By`, `Cel`, `W`, `J`, `Hz`, `1` for a ratio, `{thing}` or empty for a count. */
  readonly unit: string;
  readonly help: string;
  readonly labels: readonly Label[];
  /** Upper bounds, for histograms. */
  readonly buckets?: readonly number[];
}

export type AnyInstrument = Instrument<InstrumentKind, string>;
export type LabelOf<I> = I extends Instrument<InstrumentKind, infer Label> ? Label : never;
/** A value for each label of the instrument. */
export type LabelsOf<I> = Readonly<Record<LabelOf<I>, string>>;

function counter<const Label extends string = never>(name: string, unit: string, help: string, labels: readonly Label[] = []): Instrument<"counter", Label> {
  return { name, kind: "counter", unit, help, labels };
}

function gauge<const Label extends string = never>(name: string, unit: string, help: string, labels: readonly Label[] = []): Instrument<"gauge", Label> {
  return { name, kind: "gauge", unit, help, labels };
}

function histogram<const Label extends string = never>(name: string, help: string, labels: readonly Label[] = [], buckets: readonly number[] = latencyBuckets): Instrument<"histogram", Label> {
  return { name, kind: "histogram", unit: "s", help, labels, buckets };
}

/** Seconds. An objective on latency belongs exactly on one of these bounds. */
const latencyBuckets = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30] as const;

/** Seconds, as OpenTelemetry's semantic conventions for generative AI advise. */
const firstTokenBuckets = [0.001, 0.005, 0.01, 0.02, 0.04, 0.06, 0.08, 0.1, 0.25, 0.5, 0.75, 1, 2.5, 5, 7.5, 10] as const;
const outputTokenBuckets = [0.01, 0.025, 0.05, 0.075, 0.1, 0.15, 0.2, 0.3, 0.4, 0.5, 0.75, 1, 2.5] as const;

export const instruments = {
  // What clients see
  requestDuration: histogram("pilotfish.gateway.request.duration", "Time from a request's first byte to its answer's last, as the client saw it.", ["model", "rung", "outcome"]),
  requests: counter("pilotfish.gateway.requests", "{request}", "Inference requests answered, by the rung that answered and why.", ["model", "rung", "reason", "outcome"]),
  timeToFirstToken: histogram("gen_ai.server.time_to_first_token", "Time from a request's last byte to the first token of its answer, of streams that the primary ended well.", ["model"], firstTokenBuckets),
  timePerOutputToken: histogram("gen_ai.server.time_per_output_token", "Time for each token after the first, of streams that the primary ended well. A token is an event with data; servers may put several into one.", ["model"], outputTokenBuckets),
  activeRequests: gauge("pilotfish.gateway.active.requests", "{request}", "Requests being served now."),
  attempts: counter("pilotfish.gateway.attempts", "{attempt}", "Attempts at a backend, by what became of them.", ["backend", "outcome"]),
  attemptDuration: histogram("pilotfish.gateway.attempt.duration", "Time a backend took for its answer.", ["backend"]),
  retries: counter("pilotfish.gateway.retries", "{retry}", "Second attempts at the primary: taken, or refused because the budget was spent.", ["result"]),
  hedges: counter("pilotfish.gateway.hedges", "{hedge}", "Rungs asked beside a slow primary: won, lost, failed, or refused because the budget of second attempts was spent.", ["result"]),
  concurrencyLimit: gauge("pilotfish.gateway.concurrency.limit", "{request}", "Inferences that the primary is given at once, as found from their latencies; absent while nothing is limited."),
  concurrencyInFlight: gauge("pilotfish.gateway.concurrency.inflight", "{request}", "Inferences that the primary has now, of that limit."),
  unplaced: counter("pilotfish.gateway.unplaced", "{request}", "Inferences that found no place at the primary under the limit, by their priority.", ["priority"]),
  suspects: gauge("pilotfish.quarantine.suspects", "{request}", "Requests that are suspect of having crashed the model server, or are refused for it."),
  contractRequests: counter("pilotfish.contract.requests", "{request}", "Inferences held against the input contract, by what became of them.", ["result"]),
  contractViolations: counter("pilotfish.contract.violations", "{violation}", "What was wrong with their inputs.", ["violation"]),
  contractUnchecked: counter("pilotfish.contract.unchecked", "{value}", "Values of inputs that were not looked at, since there were too many."),
  confidenceAnswers: counter("pilotfish.confidence.answers", "{answer}", "Answers of the primary by whether it was sure enough, and what became of those where it was not.", ["result"]),
  confidenceThreshold: gauge("pilotfish.confidence.threshold", "1", "The confidence from which on answers are given; absent where all are."),
  rungDisagreement: gauge("pilotfish.ladder.disagreement", "1", "How far the members of an ensemble disagreed in its last answer, 0 to 1.", ["rung"]),
  rungCopies: counter("pilotfish.rung.copies", "{copy}", "Copies of answered inferences for the rungs: asked, or let go and why.", ["rung", "result"]),
  rungAnswer: histogram("pilotfish.rung.answer", "Time a rung took to answer a copy.", ["rung"]),
  rungAgreement: gauge("pilotfish.rung.agreement", "1", "Ratio of rows, of the latest copies, in which the rung's answer is the primary's.", ["rung"]),
  rungAccuracy: gauge("pilotfish.rung.accuracy", "1", "Ratio of rows, of the latest copies whose true answers came, in which the rung was right; rung `primary`: the primary on the same inferences.", ["rung"]),
  rungCoverage: gauge("pilotfish.rung.coverage", "1", "Ratio of the latest copies that the rung answered at all.", ["rung"]),
  rungEligible: gauge("pilotfish.rung.eligible", "", "1 while nothing speaks against asking the rung, 0 while it would answer badly.", ["rung"]),
  samples: counter("pilotfish.samples", "{sample}", "Exchanges chosen for analysis: taken, or dropped and why.", ["result"]),

  // Failover
  failoverState: gauge("pilotfish.failover.state", "", "1 for the state that the primary is in, 0 for the others.", ["model", "state"]),
  overrideActive: gauge("pilotfish.override.active", "", "1 for the override of a person that is in force, 0 for the others.", ["action"]),
  overrideUntil: gauge("pilotfish.override.until.time", "s", "Unix time at which the override in force ends by itself; absent while there is none."),
  reviewsOpen: gauge("pilotfish.reviews.open", "{review}", "Questions that wait for a person now: answers that the model was not sure of, and approvals.", ["kind"]),
  reviews: counter("pilotfish.reviews", "{review}", "Questions put to a person (open), and what became of them.", ["kind", "state"]),
  activeRung: gauge("pilotfish.failover.rung", "", "1 for the rung that answers now, 0 for the others.", ["model", "rung"]),
  transitions: counter("pilotfish.failover.transitions", "{transition}", "Changes of the primary's state.", ["model", "from", "to", "reason"]),

  // Rollouts
  rolloutPhase: gauge("pilotfish.rollout.phase", "", "1 for the phase that the rollout is in, 0 for the others; absent where there is none.", ["model", "phase"]),
  rolloutWeight: gauge("pilotfish.rollout.weight", "1", "The candidate's share of the traffic.", ["model"]),
  rolloutStep: gauge("pilotfish.rollout.step", "", "Which step of the rollout is held, counted from 1.", ["model"]),
  rolloutStepUntil: gauge("pilotfish.rollout.step.until.time", "s", "Unix time at which the time box of the step ends; absent while nothing is tried.", ["model"]),
  rolloutVerdict: gauge("pilotfish.rollout.verdict", "", "1 for what the judge says of the candidate now, 0 for the others.", ["model", "verdict"]),
  rolloutEvidence: gauge("pilotfish.rollout.evidence", "", "Decimal logarithm of the evidence that the candidate is worse; harm where it passes the threshold. Of pods that deal their own traffic the sum is the fleet's.", ["model", "comparison"]),
  rolloutThreshold: gauge("pilotfish.rollout.evidence.threshold", "", "Decimal logarithm of the evidence that is harm.", ["model", "comparison"]),
  rolloutEffect: gauge("pilotfish.rollout.effect", "", "By how much the candidate is worse, in the comparison's unit; below 0 where it is better.", ["model", "comparison"]),
  rolloutEffectBound: gauge("pilotfish.rollout.effect.bound", "", "Between which bounds, `lower` and `upper`, the effect lies; absent where nothing is known.", ["model", "comparison", "bound"]),
  rolloutEvents: gauge("pilotfish.rollout.events", "{event}", "What the evidence rests on; judged `effective`: as how many independent ones.", ["model", "comparison", "judged"]),
  rollouts: counter("pilotfish.rollouts", "{rollout}", "Rollouts by how they ended and why.", ["model", "result", "reason"]),
  trials: counter("pilotfish.trials", "{request}", "Inferences dealt while a rollout runs, by the side and by how the first attempt there went: ok, failed; rescued: failed at the candidate and answered by another.", ["model", "side", "result"]),
  trialDuration: histogram("pilotfish.trial.duration", "Time of that attempt.", ["model", "side"]),
  shadowCopies: counter("pilotfish.shadow.copies", "{copy}", "Copies for the candidate: asked, or let go and why.", ["model", "result"]),
  actuations: counter("pilotfish.rollout.actuations", "{actuation}", "What was to be done to the world for a rollout, by who was told and what became of it.", ["actuator", "action", "result"]),
  versionInfo: gauge("pilotfish.model.version.info", "", "Always 1: which version serves, by name, by digest of its artefact, and by the reference that it is held against.", ["model", "version", "digest", "reference"]),
  versionChanges: counter("pilotfish.model.version.changes", "{change}", "Changes of the version that serves.", ["model"]),
  knownGood: gauge("pilotfish.model.known.good.info", "", "Always 1: the version and reference that last held the objectives for the dwell.", ["model", "version", "reference"]),
  retrains: counter("pilotfish.retrain.requests", "{request}", "Requests to train the model anew, by what became of them.", ["model", "result"]),
  retrainRows: gauge("pilotfish.retrain.window.rows", "{row}", "Rows that a request for training would carry now.", ["model"]),

  // Probes
  probeSuccess: gauge("pilotfish.probe.success", "", "1 if the probe passed, 0 if it failed; absent while it is unknown.", ["probe"]),
  probeDuration: histogram("pilotfish.probe.duration", "How long a probe took.", ["probe"]),
  probeFailures: counter("pilotfish.probe.failures", "{failure}", "Probes that failed, by reason.", ["probe", "reason"]),
  probeLastSuccess: gauge("pilotfish.probe.last.success.time", "s", "Unix time of the last probe that passed.", ["probe"]),

  // Drift and performance
  driftDistance: gauge("pilotfish.drift.distance", "", "Distance of the window from the reference: population stability index or Jensen-Shannon distance.", ["model", "feature", "measure"]),
  driftEvidence: gauge("pilotfish.drift.evidence", "", "Decimal logarithm of the e-detector's value; an alarm where it passes the threshold. Feature `all` is the combination that alarms.", ["model", "feature"]),
  driftThreshold: gauge("pilotfish.drift.evidence.threshold", "", "Decimal logarithm of the threshold that follows from the false-alarm budget.", ["model"]),
  driftAlarm: gauge("pilotfish.drift.alarm", "", "1 while the stream counts as drifted.", ["model", "stream"]),
  driftAlarms: counter("pilotfish.drift.alarms", "{alarm}", "Alarms raised.", ["model", "stream", "detector"]),
  driftBinRows: counter("pilotfish.drift.bin.rows", "{row}", "Rows by the bin of the reference that their value fell into: tenths of what is known, and what lies outside of it. They add up over all who have the same reference.", ["model", "reference", "feature", "bin"]),
  driftBinReference: gauge("pilotfish.drift.bin.reference", "1", "Ratio of the reference's own rows in that bin.", ["model", "reference", "feature", "bin"]),
  detectableChange: gauge("pilotfish.drift.detectable.change", "", "The smallest change of a feature that is found within a window's rows in four cases of five. Unit `standard-deviations`: of the mean. `share`: of the rows, that moves.", ["model", "feature", "unit"]),
  violations: gauge("pilotfish.drift.violations", "1", "Ratio of the window's values that break the reference's rules: missing, of another type, out of range, infinite, an unknown category.", ["model", "feature", "violation"]),
  windowSamples: gauge("pilotfish.drift.window.samples", "{sample}", "Rows in the window that the distances compare with the reference.", ["model"]),
  analysed: counter("pilotfish.analysis.rows", "{row}", "Rows of sampled exchanges analysed, or skipped and why.", ["model", "result"]),
  performance: gauge("pilotfish.performance", "", "How well the model does. Kind `realised`: over the latest rows with their true answers. `estimated`: over the latest answers, without any. `corrected`: the estimate, put right by the true answers that are there.", ["model", "metric", "kind"]),
  performanceBound: gauge("pilotfish.performance.bound", "", "Between which bounds, `lower` and `upper`, the performance lies: they are meant to miss in 0.27 %.", ["model", "metric", "kind", "bound"]),
  performanceEvidence: gauge("pilotfish.performance.evidence", "", "Decimal logarithm of the evidence that the model does worse than on its reference; an alarm where it passes the threshold. Stream `error-rate`: too many wrong predictions. `calibration`: scores no longer mean what they meant.", ["model", "stream"]),
  performanceThreshold: gauge("pilotfish.performance.evidence.threshold", "", "Decimal logarithm of the threshold that follows from the false-alarm budget, in rows with their true answers.", ["model"]),
  actuals: counter("pilotfish.actuals", "{actual}", "True answers that came in, by what became of them.", ["model", "result"]),
  actualsLag: gauge("pilotfish.actuals.lag", "s", "Age of the youngest answer whose true answer is known: realised performance knows of nothing later.", ["model"]),
  actualsWaiting: gauge("pilotfish.actuals.waiting", "{row}", "Rows of answers that wait for their true answers.", ["model"]),

  // The model server
  serverInFlight: gauge("pilotfish.server.inflight", "{request}", "Requests that the model server says it works on."),
  serverQueue: gauge("pilotfish.server.queue", "{request}", "Requests that the model server says are waiting."),
  serverBatchSize: gauge("pilotfish.server.batch.size", "{request}", "Requests, rows or sequences in the model server's batches: now, or on average since it was last asked."),
  serverCacheUsage: gauge("pilotfish.server.cache.usage", "1", "How full the model server's cache of keys and values is."),
  serverTokens: counter("pilotfish.server.tokens", "{token}", "Tokens that the model server read and wrote; direction `input` or `output`.", ["direction"]),
  serverRequests: counter("pilotfish.server.requests", "{request}", "Requests that the model server says it answered or failed; what clients did to themselves is in neither.", ["result"]),
  serverRequestTime: counter("pilotfish.server.request.time", "s", "Time that requests took in the model server, all together: over the answered ones it is their mean. Phase `queue`: the part that they waited.", ["phase"]),
  serverProgress: counter("pilotfish.server.progress", "{step}", "The model server's own progress counter."),

  // Hardware and containers; container is `server` or `pilotfish`
  cpuTime: counter("container.cpu.time", "s", "CPU time used.", ["container"]),
  cpuLimit: gauge("k8s.container.cpu.limit.current", "{cpu}", "CPU limit.", ["container"]),
  cpuThrottled: counter("pilotfish.cpu.throttled.time", "s", "Time that the container was kept from the CPU by its limit.", ["container"]),
  memoryUsage: gauge("container.memory.usage", "By", "Memory charged to the container.", ["container"]),
  memoryWorkingSet: gauge("container.memory.working_set", "By", "Memory that can not be reclaimed at once: what the OOM killer looks at.", ["container"]),
  memoryLimit: gauge("k8s.container.memory.limit.current", "By", "Memory limit.", ["container"]),
  oomKills: counter("pilotfish.memory.oom.kills", "{kill}", "Processes killed for memory in the container.", ["container"]),
  pressure: counter("pilotfish.pressure.stall.time", "s", "Time that some or all tasks waited for a resource.", ["container", "resource", "kind"]),
  processCpuTime: counter("process.cpu.time", "s", "CPU time of the process.", ["process"]),
  processMemory: gauge("process.memory.usage", "By", "Resident memory of the process.", ["process"]),
  processThreads: gauge("process.thread.count", "{thread}", "Threads of the process.", ["process"]),
  processFiles: gauge("process.unix.file_descriptor.count", "{file_descriptor}", "Open file descriptors of the process.", ["process"]),
  processStart: gauge("pilotfish.process.start.time", "s", "Unix time at which the process was started.", ["process"]),
  cpuPeriods: counter("pilotfish.cpu.periods", "{period}", "Periods of the CPU limit in which the container ran.", ["container"]),
  cpuThrottledPeriods: counter("pilotfish.cpu.throttled.periods", "{period}", "Periods in which the container had used up its CPU limit.", ["container"]),
  diskIo: counter("container.disk.io", "By", "Bytes read from and written to a block device, by its number.", ["container", "device", "direction"]),
  networkIo: counter("container.network.io", "By", "Bytes received and transmitted in the network namespace that the server and Pilotfish share.", ["interface", "direction"]),
  networkErrors: counter("pilotfish.network.errors", "{error}", "Packets that were faulty or dropped.", ["interface", "direction", "type"]),
  stateDiskFree: gauge("pilotfish.state.disk.free", "By", "What Pilotfish may still write to the disk of its state folder."),
  stateDiskSize: gauge("pilotfish.state.disk.size", "By", "Size of the disk of the state folder."),
  hostInfo: gauge("pilotfish.host.info", "", "Always 1: what the machine is, read once.", ["cpu", "cores", "os", "arch"]),

  // GPUs; gpu is a UUID, of a MIG instance that of its card, a stroke and the instance
  gpuInfo: gauge("pilotfish.gpu.info", "", "Always 1: which GPU and driver, and through what they are read.", ["gpu", "name", "driver", "source"]),
  gpuStatus: gauge("hw.status", "", "1 for the state that the GPU is in, 0 for the others. Failed: it needs a reset, or rows could not be remapped. Degraded: held back by heat or hardware, or a row waits to be remapped.", ["gpu", "state"]),
  gpuUtilization: gauge("hw.gpu.utilization", "1", "Share of time in which at least one kernel ran: busy, not loaded.", ["gpu"]),
  gpuActivity: gauge("pilotfish.gpu.activity", "1", "Share of time or cycles in which a part was at work: `engine` any of it, `sm` its multiprocessors, `tensor` their tensor cores, `dram` its memory's interface.", ["gpu", "part"]),
  gpuMemoryUsage: gauge("hw.gpu.memory.usage", "By", "GPU memory in use.", ["gpu"]),
  gpuMemoryLimit: gauge("hw.gpu.memory.limit", "By", "GPU memory in all.", ["gpu"]),
  gpuTemperature: gauge("hw.temperature", "Cel", "Temperature of the GPU.", ["gpu"]),
  gpuTemperatureLimit: gauge("hw.temperature.limit", "Cel", "Temperature at which the GPU slows down, shuts down, or is no longer meant to work; `memory`: of its memory.", ["gpu", "type"]),
  gpuTemperatureMargin: gauge("pilotfish.gpu.temperature.margin", "Cel", "How much hotter the GPU may become before it slows down.", ["gpu"]),
  gpuMemoryTemperature: gauge("pilotfish.gpu.memory.temperature", "Cel", "Temperature of the GPU's memory.", ["gpu"]),
  gpuPower: gauge("hw.power", "W", "Power drawn by the GPU.", ["gpu"]),
  gpuPowerLimit: gauge("hw.power.limit", "W", "Power limit in force.", ["gpu"]),
  gpuEnergy: counter("hw.energy", "J", "Energy that the GPU took since its driver was loaded.", ["gpu"]),
  gpuClock: gauge("pilotfish.gpu.clock.frequency", "Hz", "Clock of the streaming multiprocessors.", ["gpu"]),
  gpuMemoryClock: gauge("pilotfish.gpu.memory.clock.frequency", "Hz", "Clock of the GPU's memory.", ["gpu"]),
  gpuThrottle: gauge("pilotfish.gpu.throttle", "", "1 while the clock is held back for this reason.", ["gpu", "reason"]),
  gpuThrottledTime: counter("pilotfish.gpu.throttled.time", "s", "Time that the clock was held back for this reason.", ["gpu", "reason"]),
  gpuErrors: counter("hw.errors", "{error}", "Memory errors that were corrected or not.", ["gpu", "type"]),
  gpuXids: counter("pilotfish.gpu.xid.errors", "{error}", "Faults that the driver reported since Pilotfish looks, by NVIDIA's XID number.", ["gpu", "xid"]),
  gpuLastXid: gauge("pilotfish.gpu.xid.last", "", "XID number of the last fault; 0 while there was none.", ["gpu"]),
  gpuRemappedRows: gauge("pilotfish.gpu.remapped.rows", "{row}", "Rows of memory that were replaced by spare ones after errors.", ["gpu", "type"]),
  gpuRemapPending: gauge("pilotfish.gpu.remap.pending", "", "1 while a row waits for the GPU's next reset to be replaced.", ["gpu"]),
  gpuRemapFailure: gauge("pilotfish.gpu.remap.failure", "", "1 once a row could not be replaced.", ["gpu"]),
  gpuLinkThroughput: gauge("pilotfish.gpu.link.throughput", "By/s", "Bytes a second over PCIe and NVLink.", ["gpu", "link", "direction"]),
  gpuPcieReplays: counter("pilotfish.gpu.pcie.replays", "{replay}", "Packets that had to be sent again over PCIe.", ["gpu"]),
  gpuProcesses: gauge("pilotfish.gpu.processes", "{process}", "Processes that compute on the GPU.", ["gpu"]),

  // Pilotfish itself
  buildInfo: gauge("pilotfish.build.info", "", "Always 1: which Pilotfish runs.", ["version"]),
  configReloadOk: gauge("pilotfish.config.last.reload.success", "", "1 if the config that was last offered is the one in force."),
  collectorUp: gauge("pilotfish.collector.up", "", "1 if the source answered, 0 while it is missing or hung.", ["collector"]),
  queueDepth: gauge("pilotfish.queue.depth", "{item}", "Items waiting.", ["queue"]),
  dropped: counter("pilotfish.dropped", "{item}", "What was let go because a bound was reached.", ["what"]),
  loopDelay: gauge("pilotfish.loop.delay", "s", "How late the main loop ran at worst since the last reading."),
  storeWrites: counter("pilotfish.store.writes", "{write}", "Writes to the state file, by what became of them.", ["result"]),
  subscribers: gauge("pilotfish.signals.subscribers", "{subscriber}", "Who listens to the signals now."),
  subscriberStandings: gauge("pilotfish.signals.standings", "{subscriber}", "Subscribers by how they stand to the directives in force: current, lagging (one is not acked), refused (one was nacked), slow (it does not read).", ["standing"]),
  unackedDirectives: gauge("pilotfish.signals.directives.unacked", "{directive}", "Directives in force that a subscriber which says what it applies has not applied."),
  nacks: counter("pilotfish.signals.nacks", "{nack}", "Directives that a subscriber could not apply, and why.", ["code"]),
  signals: counter("pilotfish.signals", "{signal}", "Signals announced.", ["type"]),
  apiRequests: counter("pilotfish.api.requests", "{request}", "Requests to the control API, by route and status.", ["route", "status"]),
  audited: counter("pilotfish.audit", "{entry}", "Decisions of people, and those that were refused.", ["action", "result"]),
  notifications: counter("pilotfish.notifications", "{notification}", "Pushes to Alertmanager, by what became of them.", ["result"]),
} as const satisfies Record<string, AnyInstrument>;

const suffixes: Readonly<Record<string, string>> = { s: "_seconds", By: "_bytes", Cel: "_celsius", W: "_watts", J: "_joules", Hz: "_hertz", "By/s": "_bytes_per_second" };

/**
 * The family's name in Prometheus, as the OpenTelemetry Collector would make it: dots to underscores, the unit spelled out,
 * `_ratio` for a gauge of unit 1, `_total` for a counter.
 */
export function prometheusName({ name, kind, unit }: Pick<AnyInstrument, "name" | "kind" | "unit">): string {
  const suffix = unitSuffix({ kind, unit });
  const base = name.replaceAll(/[^a-zA-Z0-9_]/g, "_");
  const withUnit = suffix === "" || base.endsWith(suffix) ? base : base + suffix;
  return kind === "counter" ? `${withUnit}_total` : withUnit;
}

/** The unit as Prometheus's names end with it, such as `_seconds`; empty for a count. */
export function unitSuffix({ kind, unit }: Pick<AnyInstrument, "kind" | "unit">): string {
  return unit === "1" && kind === "gauge" ? "_ratio" : (suffixes[unit] ?? "");
}
