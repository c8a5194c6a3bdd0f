/**
 * Asks for a model trained anew: when an alarm has lasted for long enough (when.ts) and whoever decides says yes, or when a person
 * wants it. The window of rows is written beside the request (window-file.ts), and each target is told (targets.ts, deliver.ts).
 *
 * A request is never lost for want of its window: what can not be written is said in it. Requests are kept over a restart: one that
 * waits for a person is asked again, one under way goes on where it was.
 */
import { randomUUID } from "node:crypto";
import { readFile } from "node:fs/promises";
import type { Cancel, Clock } from "../../clock.ts";
import type { Ask } from "../../forward/ask.ts";
import type { Judgement } from "../../judgement.ts";
import type { Close } from "../../lifecycle.ts";
import type { Log } from "../../log.ts";
import type { RetrainControls, RetrainDelivery, RetrainRequest, RetrainState, RetrainWhy, WindowNow } from "../../retrain-view.ts";
import { deliver } from "./deliver.ts";
import type { RetrainOptions, TargetOptions } from "./options.ts";
import { restore, type SavedRetrain } from "./saved.ts";
import { isTaken, requestTo } from "./targets.ts";
import { due, quiet, reduce, type Firing } from "./when.ts";
import type { WindowWritten, WriteWindow } from "./window-file.ts";

/** What became of it: the label `result`. `held`: an alarm that the budget kept back; `no-window`: it went out without its data. */
export type RetrainResult = Exclude<RetrainState, "asking" | "writing" | "delivering"> | "held" | "no-window";

export interface RetrainDeps {
  readonly clock: Clock;
  readonly log: Log;
  readonly ask: Ask;
  readonly model: () => string;
  /** Who decides now, as the config says. */
  readonly mode: () => "automatic" | "approve" | "notify";
  readonly decide: (asked: { readonly question: string; readonly evidence: string }) => { readonly verdict: Promise<"do" | "do-not">; readonly withdraw: () => void };
  /** undefined where nobody answers in time. */
  readonly windowNow: () => Promise<WindowNow | undefined>;
  readonly writeWindow: (asked: WriteWindow) => Promise<WindowWritten | undefined>;
  /** Where windows are written; undefined: nowhere. */
  readonly folder: string | undefined;
  readonly save: (state: SavedRetrain) => void;
  readonly saved: unknown;
  readonly counted: (result: RetrainResult) => void;
  /** For the history. */
  readonly happened: (request: RetrainRequest) => void;
}

export interface Retrain extends RetrainControls {
  readonly judgement: (judgement: Judgement) => void;
  readonly start: () => Close;
}

const tickMs = 1_000;
/** Where true answers are wanting, they are counted again after so long. */
const countAgainMs = 60_000;
const requestsMax = 20;
const underWayMax = 10;

export function retrain(options: RetrainOptions, deps: RetrainDeps): Retrain {
  const { clock, log } = deps;
  const policy = options;
  const kept = restore(deps.saved);
  let when = reduce(kept?.when ?? quiet, { type: "restarted" }, clock.wallMs(), policy);
  let requests: readonly RetrainRequest[] = kept?.requests ?? [];
  /** The one that a person is asked about. */
  let withdraw: (() => void) | undefined;
  /** Until when the budget holds back what is due, so that it is counted once. */
  let heldUntil: number | undefined;
  let countAtMs = -Infinity;
  let counting = false;
  let lacking: number | undefined;
  const cancels = new Map<string, Cancel>();

  const save = () => deps.save({ version: 1, when, requests });
  const find = (id: string) => requests.find((one) => one.id === id);
  const isOver = ({ state }: RetrainRequest) => state !== "asking" && state !== "writing" && state !== "delivering";

  function put(changed: RetrainRequest): RetrainRequest {
    const others = requests.some(({ id }) => id === changed.id) ? requests.map((one) => (one.id === changed.id ? changed : one)) : [...requests, changed];
    const spare = others.find(isOver);
    requests = others.length > requestsMax && spare !== undefined ? others.filter((one) => one !== spare) : others;
    save();
    return changed;
  }

  function end(request: RetrainRequest, state: RetrainResult & RetrainState): void {
    const over = put({ ...request, state });
    deps.counted(state);
    deps.happened(over);
    log[state === "undelivered" ? "warn" : "info"]({ id: over.id, state, rows: over.window?.rows, deliveries: over.deliveries }, `a request to train ${over.model} anew: ${state}`);
  }

  function begin(who: string, why: RetrainWhy, state: "asking" | "writing"): RetrainRequest {
    when = reduce(when, { type: "asked" }, clock.wallMs(), policy);
    const request = put({ id: randomUUID(), model: deps.model(), atWallMs: clock.wallMs(), who, why, state, window: undefined, problem: undefined, deliveries: [] });
    deps.happened(request);
    return request;
  }

  /** Asks whoever decides, and goes on with what comes of it. */
  function question(request: RetrainRequest): void {
    const mode = deps.mode();
    const pending = deps.decide({ question: `Ask to train ${request.model} anew?`, evidence: evidenceOf(request.why, clock.wallMs()) });
    withdraw = () => {
      pending.withdraw();
      withdraw = undefined;
      end(request, "withdrawn");
    };
    void pending.verdict.then((verdict) => {
      if (find(request.id)?.state !== "asking") return;
      withdraw = undefined;
      if (verdict === "do") void go(request);
      else end(request, mode === "notify" ? "notified" : "declined");
    });
  }

  async function go(asked: RetrainRequest): Promise<void> {
    const request = put({ ...asked, state: "writing" });
    const written = await write(request);
    if (written.problem !== undefined) {
      deps.counted("no-window");
      log.warn({ id: request.id, problem: written.problem }, "a request to train anew goes out without its window");
    }
    const deliveries = options.targets.map((target, i): RetrainDelivery => ({ target: nameOf(target, i), state: "waiting", attempts: 0, detail: "" }));
    send(put({ ...request, ...written, state: "delivering", deliveries }));
  }

  async function write({ id, model, who, why, atWallMs }: RetrainRequest): Promise<Pick<RetrainRequest, "window" | "problem">> {
    if (deps.folder === undefined) return { window: undefined, problem: "there is no folder for it: neither retrain.folder nor store.path is set" };
    const { window: { format }, redact: { keyFile, ...redaction }, keep, location } = options;
    const written = await deps.writeWindow({ folder: deps.folder, location, format, redaction: { ...redaction, keyFile }, keep, id, model, who, why, atWallMs });
    if (written === undefined) return { window: undefined, problem: "it was not written in time" };
    return written.ok ? { window: written.window, problem: undefined } : { window: undefined, problem: written.detail };
  }

  /** Whatever of it still waits. */
  function send(request: RetrainRequest): void {
    for (const [i, { target: name, state, attempts }] of request.deliveries.entries()) {
      if (state !== "waiting") continue;
      const target = options.targets[i];
      if (target === undefined || nameOf(target, i) !== name) {
        delivered(request.id, name, { state: "given-up", attempts, detail: "it is not in the config any more" });
        continue;
      }
      const { timeout, retries, tokenFile, headers } = target;
      const cancel = deliver(
        {
          ...requestTo(target, request), timeoutMs: timeout, retries, secrets: Object.values(headers),
          token: tokenFile === undefined ? undefined : async () => (await readFile(tokenFile, "utf8")).trim(),
          isTaken: (status) => isTaken(target.kind, status),
        },
        { clock, ask: deps.ask, told: (attempted) => delivered(request.id, name, attempted) },
        attempts,
      );
      cancels.set(`${request.id} ${name}`, cancel);
    }
    settle(request.id);
  }

  function delivered(id: string, target: string, attempted: Omit<RetrainDelivery, "target">): void {
    const request = find(id);
    if (request === undefined) return;
    put({ ...request, deliveries: request.deliveries.map((one) => (one.target === target ? { target, ...attempted } : one)) });
    if (attempted.state !== "waiting") cancels.delete(`${id} ${target}`);
    if (attempted.state === "waiting") log.warn({ id, target, attempts: attempted.attempts, detail: attempted.detail }, "a target did not take a request to train anew; it is asked again");
    settle(id);
  }

  function settle(id: string): void {
    const request = find(id);
    if (request?.state !== "delivering" || request.deliveries.some(({ state }) => state === "waiting")) return;
    end(request, request.deliveries.every(({ state }) => state === "done") ? "done" : "undelivered");
  }

  function tick(): void {
    if (withdraw !== undefined) {
      if (!when.firing.some(({ told }) => told)) withdraw();
      return;
    }
    const found = due(when, clock.wallMs(), policy);
    const until = found.due === "held" && found.by === "budget" ? found.untilWallMs : undefined;
    if (until !== undefined && until !== heldUntil) {
      deps.counted("held");
      log.info({ until: iso(until) }, "an alarm has lasted for long enough to train anew, and the budget of requests is spent");
    }
    heldUntil = until;
    if (found.due === "ask" && !requests.some(({ state }) => state === "writing")) void askFor(found.streams);
  }

  async function askFor(streams: readonly Firing[]): Promise<void> {
    if (counting || clock.monotonicMs() < countAtMs) return;
    if (options.actuals > 0) {
      counting = true;
      const actuals = (await deps.windowNow())?.actuals ?? 0;
      counting = false;
      lacking = actuals < options.actuals ? options.actuals - actuals : undefined;
      countAtMs = clock.monotonicMs() + countAgainMs;
      if (lacking !== undefined || due(when, clock.wallMs(), policy).due !== "ask") return;
    }
    question(begin("pilotfish", { streams: named(streams), reason: undefined }, "asking"));
  }

  function waits(): string | undefined {
    if (requests.some((request) => !isOver(request))) return undefined;
    const found = due(when, clock.wallMs(), policy);
    switch (found.due) {
      case "quiet":
        return "no alarm that asks for it fires";
      case "dwell":
        return `an alarm fires; it asks if it lasts until ${iso(found.untilWallMs)}`;
      case "held":
        return `an alarm has lasted for long enough; the ${found.by} holds it back until ${iso(found.untilWallMs)}`;
      case "ask":
        return lacking === undefined ? undefined : `an alarm has lasted for long enough; ${lacking} more rows with their true answer are wanted`;
    }
  }

  return {
    judgement(judgement) {
      if (!options.enabled) return;
      const before = when;
      when = reduce(when, { type: "judged", judgement }, clock.wallMs(), policy);
      if (when.firing.map(({ stream }) => stream).join() !== before.firing.map(({ stream }) => stream).join()) save();
    },
    async view() {
      return { enabled: options.enabled, waits: options.enabled ? waits() : "retrain.enabled is false", window: options.enabled ? await deps.windowNow() : undefined, requests };
    },
    request({ name }, reason) {
      if (!options.enabled) return { ok: false, detail: "nothing is kept to train on: set retrain.enabled" };
      if (requests.filter((one) => !isOver(one)).length >= underWayMax) return { ok: false, detail: `${underWayMax} requests are under way; wait for one to end` };
      withdraw?.();
      const request = begin(name, { streams: named(when.firing.filter(({ told }) => told)), reason }, "writing");
      void go(request);
      return { ok: true, request };
    },
    start() {
      if (!options.enabled) return () => {};
      for (const request of requests) {
        if (request.state === "asking") question(request);
        else if (request.state === "writing") void go(request);
        else if (request.state === "delivering") send(request);
      }
      const stop = clock.every(tickMs, tick);
      return () => {
        stop();
        for (const cancel of cancels.values()) cancel();
      };
    },
  };
}

function nameOf({ kind }: TargetOptions, i: number): string {
  return `${i} ${kind}`;
}

function named(firing: readonly Firing[]): RetrainWhy["streams"] {
  return firing.map(({ stream, detector, sinceWallMs, culprits }) => ({ stream, detector, sinceWallMs, culprits }));
}

/** Names and times, never a value of the data. */
function evidenceOf({ streams }: RetrainWhy, nowWallMs: number): string {
  return streams
    .map(({ stream, detector, sinceWallMs, culprits }) => `${stream} has fired for ${Math.round((nowWallMs - sinceWallMs) / 60_000)} min (${detector})${culprits.length === 0 ? "" : `, most in ${culprits.join(", ")}`}`)
    .join("; ");
}

function iso(wallMs: number): string {
  return new Date(wallMs).toISOString();
}
