/**
 * The story of the demo on real census data: steady traffic; the server killed and started again; the server stopped with
 * its port still open; the rows of the years after; their true answers, late; two new versions of the model.
 * Each act states claims and holds them.
 */
import { rocAuc } from "../../../detectors/performance/classification.ts";
import { inferRequest, readRows, type CensusRow } from "../../../examples/employment/rows.ts";
import { systemClock, wait } from "../../clock.ts";
import { exactly, holds, quantile, within, duration, type Claim } from "./claims.ts";
import { until } from "./children.ts";
import type { Answered, Question } from "./load.ts";
import { startLoad } from "./load.ts";
import { newVersions } from "./new-versions.ts";
import type { Screen } from "./screen.ts";
import { dataFolder, startStage, type Stage } from "./stage.ts";
import type { World } from "../world.ts";

const clock = systemClock;
const rate = 200;
/** Each client's patience, told to the gateway by header and held against every answer. */
const deadlineMs = 2_000;

export const lengths = { steadyMs: 60_000, killedMs: 5_000, stoppedMs: 8_000, driftedMs: 30_000 } as const;

export interface Told {
  readonly claims: readonly Claim[];
  readonly requests: { readonly sent: number; readonly failed: number };
  readonly alarms: { readonly true: number; readonly false: number };
  readonly addresses: { readonly state: string; readonly metrics: string; readonly gateway: string };
}

/** The rows after 2015 are counted in chunks of 5,000, as in the published analysis of this data. */
const chunkOf = (id: number) => Math.floor((id - 68_785) / 5_000);

/** A row that was asked about, and its answer. */
interface Asked {
  readonly row: CensusRow;
  readonly answer: Answered;
}

/**
 * Plays the story and shows the table; `stay` then holds the stage. Undefined where it was interrupted. Whatever happens,
 * every process that was started is ended.
 */
export async function tell(world: Pick<World, "self">, screen: Screen, interrupted: Promise<void>, stay: (stage: Stage) => Promise<void>): Promise<Told | undefined> {
  const steady = await readRows("steady", dataFolder);
  const drifted = (await readRows("drifted", dataFolder)).filter(({ id }) => chunkOf(id) === 27 || chunkOf(id) === 28);
  const stage = await startStage(world, clock, screen.say);
  const story = new Story(stage, screen, steady, drifted);
  try {
    const told = await Promise.race([story.play(), interrupted]);
    if (told === undefined) return undefined;
    screen.table(told.claims);
    await stay(stage);
    return told;
  } finally {
    await story.stop();
    await stage.close();
  }
}

class Story {
  readonly #stage: Stage;
  readonly #screen: Screen;
  readonly #steady: readonly CensusRow[];
  readonly #drifted: readonly CensusRow[];
  readonly #claims: Claim[] = [];
  readonly #asked = new Map<string, Asked>();
  readonly #pending = new Map<string, CensusRow>();
  readonly #answers: Answered[] = [];
  #rows: Iterator<CensusRow>;
  #sent = 0;
  #load: ReturnType<typeof startLoad> | undefined;
  #driftStartMs = Number.POSITIVE_INFINITY;

  constructor(stage: Stage, screen: Screen, steady: readonly CensusRow[], drifted: readonly CensusRow[]) {
    this.#stage = stage;
    this.#screen = screen;
    this.#steady = steady;
    this.#drifted = drifted;
    this.#rows = forever(steady);
  }

  async play(): Promise<Told> {
    this.#load = startLoad(
      { url: this.#stage.urls.gateway, path: "/v2/models/employment/infer", ratePerSecond: rate, deadlineMs, atOnceMax: 512 },
      clock,
      () => this.#next(),
      (answer) => this.#answered(answer),
    );
    await this.#steadyTraffic();
    await this.#killed();
    await this.#stopped();
    await this.#yearsAfter();
    await this.stop();
    await this.#lateActuals();
    const versions = await newVersions(this.#stage, this.#screen, this.#steady, clock);
    this.#claims.push(...versions.claims);

    const failed = this.#answers.filter(({ failure }) => failure !== undefined).length;
    // An alarm that is told again, with more features named, is one alarm.
    const drifts = this.#stage.signals.heard.filter(({ kind, body }) => kind === "drift" && body.stream === "features");
    const alarms = drifts.filter(({ body }, index) => body.status === "firing" && drifts[index - 1]?.body.status !== "firing");
    const falseAlarms = alarms.filter(({ atMs }) => atMs < this.#driftStartMs).length;
    this.#claims.push(
      exactly("all of it", "client requests failed", failed, 0),
      exactly("all of it", "requests that could not be sent in time", this.#load.skipped(), 0),
      exactly("all of it", "drift alarms before the data drifted", falseAlarms, 0),
    );
    return {
      claims: this.#claims,
      requests: { sent: this.#sent + versions.sent, failed: failed + versions.failed },
      alarms: { true: alarms.length - falseAlarms, false: falseAlarms },
      addresses: { state: `${this.#stage.urls.api}/v1/state`, metrics: `${this.#stage.urls.api}/metrics`, gateway: this.#stage.urls.gateway },
    };
  }

  /** No more requests; kept when the last is answered. */
  async stop(): Promise<void> {
    await this.#load?.stop();
  }

  #next(): Question {
    const row = this.#rows.next().value as CensusRow;
    this.#sent += 1;
    const id = `demo-${this.#sent}`;
    this.#pending.set(id, row);
    return { id, body: JSON.stringify(inferRequest([row], id)) };
  }

  #answered(answer: Answered): void {
    const row = this.#pending.get(answer.id);
    this.#pending.delete(answer.id);
    if (answer.failure !== undefined && !this.#answers.some(({ failure }) => failure !== undefined)) this.#screen.say(`  the first request that failed: ${answer.failure}`);
    this.#answers.push(answer);
    if (row !== undefined && answer.failure === undefined) this.#asked.set(answer.id, { row, answer });
  }

  /** Shows how it goes until `untilMs`, or until `done` says so. */
  async #watch(untilMs: number, done: () => boolean = () => false): Promise<void> {
    while (clock.monotonicMs() < untilMs && !done()) {
      const recent = this.#answers.filter(({ sentMs, durationMs }) => sentMs + durationMs > clock.monotonicMs() - 1_000);
      const failed = this.#answers.filter(({ failure }) => failure !== undefined).length;
      const rungs = [...new Set(recent.map(({ rung }) => rung))].join(", ") || "nobody yet";
      const p99 = quantile(recent.map(({ durationMs }) => durationMs), 0.99);
      const left = Math.max(0, Math.ceil((untilMs - clock.monotonicMs()) / 1_000));
      this.#screen.progress(`${recent.length}/s answered by ${rungs}, p99 ${p99 === undefined ? "-" : duration(p99)}, ${this.#answers.length} answered, ${failed} failed (${left} s left)`);
      await wait(clock, 100);
    }
  }

  async #steadyTraffic(): Promise<void> {
    const happened = `steady traffic, ${lengths.steadyMs / 1_000} s`;
    this.#screen.act(`1. Steady: ${rate} requests/s of census rows like those the model was trained on`);
    const startMs = clock.monotonicMs();
    await this.#watch(startMs + lengths.steadyMs);
    const latencies = this.#answers.map(({ durationMs }) => durationMs);
    const alarms = this.#stage.signals.heard.filter(({ kind, body }) => kind === "drift" && body.status === "firing");
    const pages = this.#stage.receiver.pages.filter(({ resolved }) => !resolved);
    this.#screen.happened(clock.monotonicMs() - startMs, `${this.#answers.length} answered, p50 ${duration(quantile(latencies, 0.5) ?? 0)}, p99 ${duration(quantile(latencies, 0.99) ?? 0)}`);
    this.#claims.push(
      holds(happened, "answered by the primary", `${this.#answers.filter(({ rung }) => rung === "primary").length} of ${this.#answers.length}`, "all", this.#answers.length > 0 && this.#answers.every(({ rung }) => rung === "primary")),
      exactly(happened, "alarms, 16 features and the score", alarms.length, 0),
      exactly(happened, "pages", pages.length, 0),
    );
  }

  async #killed(): Promise<void> {
    const happened = "kill -9 of the server";
    this.#screen.act("2. The model server is killed (kill -9) under load");
    const { server, signals } = this.#stage;
    const from = { heard: signals.heard.length, answers: this.#answers.length, pages: this.#stage.receiver.pages.length };
    const killedMs = clock.monotonicMs();
    server.current().signal("SIGKILL");
    await this.#watch(killedMs + lengths.killedMs);

    const failedOver = signals.heard.slice(from.heard).find(({ kind, body }) => kind === "transition" && body.to === "failed");
    const rescued = this.#answers.slice(from.answers).filter(({ rung }) => rung !== "primary" && rung !== "");
    const first = rescued.reduce<Answered | undefined>((best, one) => (best === undefined || one.sentMs + one.durationMs < best.sentMs + best.durationMs ? one : best), undefined);
    if (failedOver !== undefined) this.#screen.happened(failedOver.atMs - killedMs, `failed over to ${failedOver.body.rung ?? "?"}: ${failedOver.body.cause?.evidence ?? ""}`);
    this.#claims.push(
      within(happened, "first answer from a rung, failed attempts included", first?.durationMs, 50),
      within(happened, "the subscriber knows, after the decision", failedOver?.delayMs, 100),
    );

    this.#screen.say("  the server is started again");
    const startedMs = clock.monotonicMs();
    await server.start();
    const listeningMs = clock.monotonicMs();
    await this.#watch(clock.monotonicMs() + 12_000, () => this.#backSince(listeningMs) !== undefined);
    const back = this.#backSince(listeningMs);
    if (back !== undefined) this.#screen.happened(back - startedMs, "the primary answers again, after good probes and one request on trial");
    this.#claims.push(
      within(happened, "back at the primary, after it listens again", back === undefined ? undefined : back - listeningMs, 10_000),
      exactly(happened, "client requests failed", this.#failedSince(killedMs), 0),
      await this.#paged(happened, from.pages),
    );
  }

  async #stopped(): Promise<void> {
    const happened = "SIGSTOP of the server";
    this.#screen.act("3. The model server hangs (SIGSTOP): its port is open, nothing comes out");
    await this.#watch(clock.monotonicMs() + 3_000);
    const { server, signals } = this.#stage;
    const from = { heard: signals.heard.length, pages: this.#stage.receiver.pages.length };
    const stoppedMs = clock.monotonicMs();
    server.current().signal("SIGSTOP");
    await this.#watch(stoppedMs + lengths.stoppedMs);
    const failedOver = signals.heard.slice(from.heard).find(({ kind, body }) => kind === "transition" && body.to === "failed");
    if (failedOver !== undefined) this.#screen.happened(failedOver.atMs - stoppedMs, `failed over: ${failedOver.body.cause?.evidence ?? ""}`);
    const waited = Math.max(0, ...this.#answers.filter(({ sentMs }) => sentMs >= stoppedMs - deadlineMs).map(({ durationMs }) => durationMs));
    const continuedMs = clock.monotonicMs();
    server.current().signal("SIGCONT");
    this.#screen.say("  it is let go on (SIGCONT)");
    await this.#watch(continuedMs + 12_000, () => this.#backSince(continuedMs) !== undefined);
    const back = this.#backSince(continuedMs);
    if (back !== undefined) this.#screen.happened(back - continuedMs, "the primary answers again");
    this.#claims.push(
      within(happened, `failed over (seen by ${failedOver?.body.cause?.detector ?? "nobody"})`, failedOver === undefined ? undefined : failedOver.atMs - stoppedMs, 3_000),
      within(happened, "longest wait of a client, deadline included", waited, deadlineMs),
      within(happened, "back at the primary, after SIGCONT", back === undefined ? undefined : back - continuedMs, 10_000),
      exactly(happened, "client requests failed", this.#failedSince(stoppedMs), 0),
      await this.#paged(happened, from.pages),
    );
  }

  async #yearsAfter(): Promise<void> {
    const happened = "rows of the years after";
    this.#screen.act("4. The world changes: census rows of the years after, where the model's AUC really fell");
    const from = this.#stage.signals.heard.length;
    this.#driftStartMs = clock.monotonicMs();
    this.#rows = forever(this.#drifted);
    const sentBefore = this.#sent;
    await this.#watch(this.#driftStartMs + lengths.driftedMs);
    const alarms = this.#stage.signals.heard.slice(from).filter(({ kind, body }) => kind === "drift" && body.status === "firing" && body.stream === "features");
    const [alarm] = alarms;
    for (const { atMs, body } of alarms) this.#screen.happened(atMs - this.#driftStartMs, body.message ?? "");
    const { culprits = [], message = "" } = alarms.at(-1)?.body ?? {};
    // The model's score takes part under its own name; here the question is which features moved.
    const named = culprits.map(({ name }) => name).filter((name) => name !== "score").slice(0, 3);
    const moved = movedFeatures(this.#steady, this.#drifted).slice(0, 6);
    this.#claims.push(
      within(happened, "drift alarm", alarm === undefined ? undefined : alarm.atMs - this.#driftStartMs, lengths.driftedMs),
      holds(happened, "features named first in the message", named.join(", ") || "none", `all among ${moved.join(", ")}`, named.length >= 2 && named.every((name) => moved.includes(name) && message.includes(name))),
      exactly(happened, "kept at the primary: drift pages, it does not fail over", this.#answers.filter(({ sentMs, rung }) => sentMs >= this.#driftStartMs && rung !== "primary").length, 0),
    );
    this.#screen.say(`  ${this.#sent - sentBefore} rows`);
  }

  async #lateActuals(): Promise<void> {
    const happened = "late true answers";
    this.#screen.act("5. The true answers come, late");
    const primary = [...this.#asked.values()].filter(({ answer }) => answer.rung === "primary");
    const before = primary.filter(({ answer }) => answer.sentMs < this.#driftStartMs).slice(0, 5_000);
    const since = primary.filter(({ answer }) => answer.sentMs >= this.#driftStartMs).slice(-5_000);
    for (const [when, asked] of [["before", before], ["after", since]] as const) {
      const own = rocAuc(asked.map(({ answer }) => scoreOf(answer)), asked.map(({ row }) => row.employed));
      const told = await this.#postActuals(asked, own);
      this.#screen.happened(0, `${asked.length} true answers for rows from ${when} the change: ROC AUC ${told?.toFixed(4) ?? "unknown"} (computed apart: ${own?.toFixed(4) ?? "unknown"})`);
      this.#claims.push(
        holds(happened, `realised ROC AUC, rows from ${when} the change`, told?.toFixed(4) ?? "unknown", `${own?.toFixed(4) ?? "unknown"} ± 0.0001`, told !== undefined && own !== undefined && Math.abs(told - own) <= 1e-4),
      );
      this.#aucs.push(told ?? Number.NaN);
    }
    const [good = Number.NaN, fell = Number.NaN] = this.#aucs;
    this.#claims.push(holds(happened, "the fall is seen", (good - fell).toFixed(3), "at least 0.02", good - fell >= 0.02));
  }

  readonly #aucs: number[] = [];

  /** Posts in batches and waits until the figure that Pilotfish reports has taken them in. */
  async #postActuals(asked: readonly Asked[], expected: number | undefined): Promise<number | undefined> {
    const joinedBefore = (await this.#stage.state()).actuals["joined"] ?? 0;
    for (let i = 0; i < asked.length; i += 500) {
      const batch = asked.slice(i, i + 500).map(({ answer, row }) => ({ inference_id: answer.id, actual: row.employed }));
      await this.#stage.postActuals(batch);
    }
    const joined = async () => ((await this.#stage.state()).actuals["joined"] ?? 0) - joinedBefore;
    await until(clock, 15_000, `joining ${asked.length} true answers`, this.#stage.daemon, async () => (await joined()) >= asked.length).catch(() => {});
    const reported = async () => (await this.#stage.state()).performance["roc_auc"];
    if (expected !== undefined) {
      await until(clock, 5_000, "the ROC AUC", this.#stage.daemon, async () => Math.abs(((await reported()) ?? 0) - expected) < 1e-4).catch(() => {});
    }
    return reported();
  }

  #backSince(sinceMs: number): number | undefined {
    const back = this.#answers.find(({ sentMs, rung, reason }) => sentMs >= sinceMs && rung === "primary" && reason === "normal");
    return back === undefined ? undefined : back.sentMs + back.durationMs;
  }

  #failedSince(sinceMs: number): number {
    return this.#answers.filter(({ sentMs, failure }) => sentMs >= sinceMs && failure !== undefined).length;
  }

  /** The page of this act: fired, and resolved once the primary is back. */
  async #paged(happened: string, from: number): Promise<Claim> {
    const pages = () => this.#stage.receiver.pages.slice(from).filter(({ alertname }) => alertname === "PilotfishFailover");
    await until(clock, 10_000, "the page's resolution", undefined, () => pages().some(({ resolved }) => resolved)).catch(() => {});
    const told = pages().map(({ resolved }) => (resolved ? "resolved" : "fired"));
    return holds(happened, "page to Alertmanager", told.join(", ") || "none", "fired, resolved", told.join(", ") === "fired, resolved");
  }
}

function* forever(rows: readonly CensusRow[]): Iterator<CensusRow> {
  for (;;) yield* rows;
}

function scoreOf({ body }: Answered): number {
  const { outputs } = JSON.parse(body) as { outputs: readonly { name: string; data: readonly number[] }[] };
  return outputs.find(({ name }) => name === "probabilities")?.data.flat()[1] ?? Number.NaN;
}

/** Independently of any detector: features by the total variation between the two samples' values, largest first. */
function movedFeatures(before: readonly CensusRow[], after: readonly CensusRow[]): string[] {
  const names = Object.keys(before[0]?.features ?? {});
  const moved = (name: string) => {
    const a = frequencies(before, name);
    const b = frequencies(after, name);
    return [...new Set([...a.keys(), ...b.keys()])].reduce((sum, value) => sum + Math.abs((a.get(value) ?? 0) - (b.get(value) ?? 0)), 0);
  };
  return names.map((name) => ({ name, by: moved(name) })).sort((a, b) => b.by - a.by).map(({ name }) => name);
}

function frequencies(rows: readonly CensusRow[], name: string): Map<number, number> {
  const counts = new Map<number, number>();
  for (const { features } of rows) counts.set(features[name] as number, (counts.get(features[name] as number) ?? 0) + 1 / rows.length);
  return counts;
}
