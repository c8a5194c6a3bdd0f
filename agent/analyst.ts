/**
 * What is done with observations off the data path: the monitors judge them, the store keeps what must outlive a restart.
 * Runs in the analysis thread (analysis-worker.ts) and, in tests, on the main thread (analysis-inline.ts): the same code.
 *
 * The monitors' state is kept each `snapshot` while there is traffic. The answers that wait for their actuals are a larger
 * part (up to some megabytes) and are kept each minute, as is what the rungs are worth, so a kill -9 loses at most the answers
 * of the last minute.
 */
import { nameOf, unpack, type FromAnalyst, type Heard, type Question, type ReferenceFacts, type Setup, type ToAnalyst } from "./analysis-messages.ts";
import { Keeping } from "./analyst-keeping.ts";
import { primaryName } from "./backend.ts";
import type { Clock } from "./clock.ts";
import { instruments } from "../exporters/instruments.ts";
import { openFeaturiser } from "./featuriser/featuriser.ts";
import type { Judgement } from "./judgement.ts";
import type { Log } from "./log.ts";
import { monitors, type Monitors, type MonitorsDeps } from "./monitors/monitors.ts";
import { readReference, type ReadReference } from "./monitors/reference-file.ts";
import type { Point } from "./observation.ts";
import { writeWindow } from "./rollout/retrain/window-file.ts";
import { TrainingWindow } from "./rollout/retrain/window.ts";
import { openStore, type Store } from "./store/store.ts";
import { TrialAnalysis } from "./trial-analysis.ts";

export interface AnalystDeps {
  readonly clock: Clock;
  readonly tell: (message: FromAnalyst) => void;
}

const tickMs = 1_000;
const actualsMs = 60_000;
const patienceMs = 100;

/** Opens the store, reads the reference and what was kept, tells `ready`, and starts to tick. */
export async function openAnalyst(setup: Setup, { clock, tell }: AnalystDeps): Promise<Analyst> {
  const store = openStore(setup.store, {
    log: logTo(tell),
    wallMs: () => clock.wallMs(),
    spoolMax: setup.spoolMax ?? 0,
    spoolLost: (lane, items) => tell({ type: "spool-lost", lane, items }),
  });
  const read = setup.referencePath === undefined ? undefined : await readReference(setup.referencePath, setup.model);
  return new Analyst(setup, { clock, tell }, store, read);
}

class Analyst {
  readonly #setup: Setup;
  readonly #clock: Clock;
  readonly #tell: (message: FromAnalyst) => void;
  readonly #store: Store;
  #reference: MonitorsDeps["reference"];
  /** Made when the model's name is known: from the config, the reference, or the first inference. */
  #monitors: Monitors | undefined;
  #model: string | undefined;
  /** Of the reference in force, where it is a file. */
  #digest: string | undefined;
  readonly #window: TrainingWindow | undefined;
  readonly #cancels: readonly (() => void)[];
  readonly #keeping: Keeping;
  readonly #trial: TrialAnalysis;
  #notes: string[] = [];
  /** The last word on each stream that was not well. */
  readonly #firing = new Map<string, Judgement>();
  /** Goes out with the next tick. */
  #over: Judgement[] = [];

  constructor(setup: Setup, { clock, tell }: AnalystDeps, store: Store, read: ReadReference | undefined) {
    this.#setup = setup;
    this.#clock = clock;
    this.#tell = tell;
    this.#store = store;
    this.#keeping = new Keeping(store, { clock, note: (text) => this.#note(text) });
    this.#window = setup.window && new TrainingWindow(setup.window);
    if (store.trouble !== undefined) this.#note(`state is kept in memory only and lost at a restart: ${store.trouble}`);
    if (read?.ok === false) this.#note(`drift of features is not watched: ${read.message}`);
    this.#reference = read === undefined ? "learn" : read.ok ? read.reference : "none";
    this.#digest = read?.ok === true ? read.digest : undefined;

    const model = setup.model ?? (read?.ok === true ? read.reference.model : undefined);
    if (model !== undefined) this.#watch(model);
    this.#trial = new TrialAnalysis(setup, {
      clock,
      keeping: this.#keeping,
      reading: () => this.#monitors?.reading,
      tell: (reading) => tell({ type: "trial", reading }),
      note: (text) => this.#note(text),
    });
    tell({ type: "ready", saved: this.#keeping.saved() });
    this.#cancels = [
      clock.every(tickMs, () => this.#tick()),
      clock.every(setup.monitors.snapshot, () => this.#keeping.keep(this.#monitors?.parts.detectors)),
      clock.every(actualsMs, () => this.#keeping.keep(this.#monitors?.parts.actuals)),
      clock.every(actualsMs, () => this.#keeping.keep(this.#monitors?.parts.rungs)),
    ];
  }

  hear(message: ToAnalyst): void {
    switch (message.type) {
      case "observations":
        for (const observation of unpack(message.batch)) this.#observe(observation);
        return this.#heard();
      case "save":
        this.#keeping.save(message.key, message.value);
        return this.#tell({ type: "kept", revision: message.revision });
      case "append":
        this.#keeping.count(this.#store.append(message.event));
        return this.#tell({ type: "kept", revision: message.revision });
      case "ask":
        return void this.#answer(message.question).then(
          (answer) => this.#tell({ type: "answer", id: message.id, answer }),
          () => this.#tell({ type: "answer", id: message.id, answer: undefined }),
        );
      case "use-trial":
        return this.#trial.use(message.setup);
      case "spool-add":
        this.#store.spool.add(message.lane, message);
        return this.#tell({ type: "kept", revision: message.revision });
      case "spool-remove":
        this.#store.spool.remove(message.id);
        return this.#tell({ type: "kept", revision: message.revision });
      case "spool-oldest":
        return this.#tell({ type: "spool-batch", question: message.question, batch: this.#store.spool.oldest(message.lane) });
      case "close":
        return this.#close();
    }
  }

  async #answer({ name, asked }: Question): Promise<unknown> {
    switch (name) {
      case "events":
        return this.#store.page(asked);
      case "features":
        return this.#monitors?.features(asked);
      case "read-reference":
        return factsOf(await readReference(asked.path, asked.model));
      case "use-reference":
        return this.#useReference(asked.path);
      case "window-now":
        return this.#window?.now();
      case "write-window":
        return writeWindow(this.#window, asked, this.#digest);
    }
  }

  /** The monitors begin anew with another reference; what they had raised is over, since it was raised against the old one. */
  async #useReference(path: string | undefined): Promise<ReferenceFacts | { readonly ok: true }> {
    const read = path === undefined ? undefined : await readReference(path, this.#setup.model);
    if (read?.ok === false) return factsOf(read);
    const before = this.#monitors;
    this.#keeping.keep(before?.parts.actuals);
    before?.close();
    this.#monitors = undefined;
    this.#reference = read === undefined ? "learn" : read.reference;
    this.#digest = read?.digest;
    const model = this.#setup.model ?? read?.reference.model ?? this.#model;
    if (model !== undefined) this.#watch(model);
    const message = "another reference is in force: what is normal is judged by it from now on";
    for (const one of this.#firing.values()) this.#over.push({ ...one, verdict: "stable", statistic: 0, culprits: [], message, atWallMs: this.#clock.wallMs() });
    return read === undefined ? { ok: true } : factsOf(read);
  }

  #observe(observation: Heard): void {
    // A name that the primary answered to: a client may ask for a model that is not there.
    const answered = observation.kind === "sample" || (observation.kind === "exchange" && observation.inference && observation.outcome === "ok");
    if (this.#monitors === undefined && answered && observation.rung === primaryName) this.#watch(observation.model);
    this.#trial.hear(observation);
    if (observation.kind === "actual") this.#window?.actual(observation, this.#clock.monotonicMs());
    if (observation.kind !== "trial" && observation.kind !== "shadow") this.#monitors?.hear(observation, this.#clock.monotonicMs(), this.#clock.wallMs());
  }

  /** The next batch waits a little for the featuriser, which a burst would push aside; not long, for others have no need of it. */
  #heard(): void {
    const drained = this.#monitors?.drained();
    if (drained === undefined) return this.#tell({ type: "heard" });
    const late = new Promise<void>((resolve) => void this.#clock.after(patienceMs, resolve));
    void Promise.race([drained, late]).then(() => this.#tell({ type: "heard" }));
  }

  #watch(model: string): void {
    this.#model = model;
    const { monitors: options, fresh } = this.#setup;
    const { featuriser, features } = options;
    const window = this.#window;
    if (featuriser !== undefined && fresh) this.#note("the featuriser is off: with it the analysis thread has died again and again");
    this.#monitors = monitors(options, {
      model,
      reference: this.#reference,
      plain: this.#setup.plain,
      qualification: this.#setup.qualification,
      sampled: window && ((sample, request, answer) => window.sampled(sample, request, answer, this.#clock.monotonicMs())),
      openFeaturiser: featuriser === undefined || fresh ? undefined : () => openFeaturiser({ ...featuriser, features: featuriser.features ?? features }),
    });
    if (!this.#setup.fresh) for (const part of Object.values(this.#monitors.parts)) this.#keeping.restore(part);
  }

  #tick(): void {
    const told = this.#monitors?.tick(this.#clock.monotonicMs(), this.#clock.wallMs());
    const judgements = [...this.#over, ...(told?.judgements ?? [])];
    this.#over = [];
    for (const judgement of judgements) {
      if (judgement.verdict === "stable") this.#firing.delete(judgement.stream);
      else this.#firing.set(judgement.stream, judgement);
    }
    this.#trial.tick();
    this.#tell({
      type: "told",
      judgements,
      points: [...(told?.points ?? []), ...this.#keeping.points(), ...this.#windowPoints()].map(nameOf),
      notes: [...this.#notes, ...(told?.notes ?? [])],
      prices: told?.prices ?? [],
    });
    this.#notes = [];
  }

  #windowPoints(): readonly Point[] {
    if (this.#window === undefined || this.#model === undefined) return [];
    return [{ instrument: instruments.retrainRows, labels: { model: this.#model }, value: this.#window.now().rows }];
  }

  #close(): void {
    for (const cancel of this.#cancels) cancel();
    this.#monitors?.close();
    this.#trial.close();
    this.#keeping.keep(this.#monitors?.parts.detectors);
    this.#keeping.keep(this.#monitors?.parts.actuals);
    this.#keeping.keep(this.#monitors?.parts.rungs);
    this.#tick();
    this.#store.close();
    this.#tell({ type: "closed" });
  }

  /** Goes out with the next tick. */
  #note(text: string): void {
    this.#notes.push(text);
  }
}

function factsOf(read: ReadReference): ReferenceFacts {
  if (!read.ok) return { ok: false, message: read.message };
  const { model, rows, features } = read.reference;
  return { ok: true, digest: read.digest, model, rows, features: features.length };
}

function logTo(tell: (message: FromAnalyst) => void): Log {
  const at =
    (level: keyof Log): Log["info"] =>
    (fields, message) =>
      tell({ type: "log", level, fields, message });
  return { debug: at("debug"), info: at("info"), warn: at("warn"), error: at("error") };
}
