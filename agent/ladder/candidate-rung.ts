/**
 * The candidate on trial as a rung: one for good, behind which a rollout puts what it tries. That is a server, by another URL or by
 * the protocol's path for a version of the primary's own; or an ONNX file, run in the sidecar on a thread of its own. It stands in
 * no ladder: the gateway asks it what is dealt to an ONNX file, and copies go to it whatever it is.
 *
 * It has no circuit and repeats nothing. Whether the candidate is good enough is for the judge to say, from all of its failures.
 */
import type { Question, RungAnswer } from "../backend.ts";
import type { ask } from "../forward/ask.ts";
import { atPort, under } from "../forward/under.ts";
import type { ModelDescription, Protocol } from "../protocols/protocol.ts";
import { versionedPath } from "../protocols/versioned.ts";
import type { CandidateAsked } from "../rollout-view.ts";
import { candidateName } from "../trial.ts";
import type { LadderRung } from "./ladder-rung.ts";
import { OnnxRung, onnxOptions, type OnnxRungDeps } from "./onnx-rung.ts";
import { answerFrom, passedOn } from "./relay.ts";
import type { Send } from "./relay.ts";

export interface CandidateRungDeps extends OnnxRungDeps {
  /** The primary. */
  readonly server: URL;
  readonly protocol: Protocol;
  /** The model's name, as far as it is known. */
  readonly model: () => string | undefined;
  readonly send: Send;
  /** For short questions of our own. */
  readonly ask: typeof ask;
}

export type Used = { readonly ok: true } | { readonly ok: false; readonly detail: string };

/** How long an ONNX file may think, where the question does not say. */
const onnxTimeout = "10s";
const askMs = 2_000;
const nobody: RungAnswer = { outcome: "error", detail: "no candidate is on trial" };
const aborted = { ok: false, detail: "another candidate took its place" } as const;

interface Seated {
  answer(question: Question, signal: AbortSignal): Promise<RungAnswer>;
  describe(): Promise<ModelDescription | undefined>;
  close(): Promise<void>;
}

export class CandidateRung implements LadderRung {
  readonly name = candidateName;
  readonly kind = "candidate";

  readonly #deps: CandidateRungDeps;
  /** What is behind it, and as what it was asked for; the first undefined while it is loaded. */
  #seated: Seated | undefined;
  #asked: CandidateAsked | undefined;

  constructor(deps: CandidateRungDeps) {
    this.#deps = deps;
  }

  get ready(): boolean {
    return this.#seated !== undefined;
  }

  /**
   * Puts this behind the rung, in place of what was there; undefined: nothing. Never rejects. Not ok: the file can not be loaded,
   * or no server is there; nothing is behind the rung then. The same one again changes nothing.
   */
  async use(asked: CandidateAsked | undefined): Promise<Used> {
    if (asked !== undefined && this.#seated !== undefined && isSame(asked, this.#asked)) return { ok: true };
    const before = this.#seated;
    this.#asked = asked;
    this.#seated = undefined;
    void before?.close();
    if (asked === undefined) return { ok: true };
    const opened = asked.onnx === undefined ? await this.#server(asked) : await this.#onnx(asked.onnx, asked.version);
    if (this.#asked !== asked) {
      if (opened.ok) void opened.seated.close();
      return aborted;
    }
    if (!opened.ok) {
      this.#asked = undefined;
      return opened;
    }
    this.#seated = opened.seated;
    return { ok: true };
  }

  /** What the candidate says of itself, whether it is behind the rung or not; undefined where it can not be known. Never rejects. */
  async describe(asked: CandidateAsked): Promise<ModelDescription | undefined> {
    if (this.#seated !== undefined && isSame(asked, this.#asked)) return this.#seated.describe();
    return asked.onnx === undefined ? this.#describeServer(asked) : undefined;
  }

  answer(question: Question, signal: AbortSignal): Promise<RungAnswer> {
    return this.#seated?.answer(question, signal) ?? Promise.resolve(nobody);
  }

  async close(): Promise<void> {
    const seated = this.#seated;
    this.#seated = undefined;
    this.#asked = undefined;
    await seated?.close();
  }

  /** Any answer will do: whether it is well is what the trial is for. */
  async #server(asked: CandidateAsked): Promise<Opened> {
    const { clock, protocol, server, send } = this.#deps;
    const { url, version } = asked;
    const at = url === undefined ? server : new URL(url);
    if (url !== undefined) {
      const reached = await this.#deps.ask(clock, { url: under(at, protocol.paths.ready), timeoutMs: askMs });
      if (!reached.ok) return { ok: false, detail: `${url} can not be reached: ${reached.outcome} (${reached.detail})` };
    }
    return {
      ok: true,
      seated: {
        async answer(question, signal) {
          const path = version === undefined ? question.path : versionedPath(protocol, question.method, question.path, version);
          if (path === undefined) return { outcome: "unsupported", detail: `${protocol.name} has no path for a version of this question` };
          const timeoutMs = (question.deadlineMs ?? Infinity) - clock.monotonicMs();
          const sent = await send(at, marked(question, path), Math.min(timeoutMs, serverMs), signal);
          return answerFrom(sent, protocol, version).answer;
        },
        describe: () => this.#describeServer(asked),
        close: () => Promise.resolve(),
      },
    };
  }

  async #onnx(path: string, version: string | undefined): Promise<Opened> {
    const rung = new OnnxRung(onnxOptions.parse({ kind: "onnx", name: candidateName, model: path, version, timeout: onnxTimeout }), this.#deps);
    const close = await rung.start();
    if (!rung.ready) {
      const { why } = rung;
      void close();
      return { ok: false, detail: why };
    }
    return {
      ok: true,
      seated: {
        answer: (question, signal) => rung.answer(question, signal),
        describe: () => Promise.resolve(rung.description()),
        close,
      },
    };
  }

  async #describeServer({ url, version }: CandidateAsked): Promise<ModelDescription | undefined> {
    const { clock, protocol, server } = this.#deps;
    const { paths } = protocol;
    const name = this.#deps.model();
    const path = name === undefined ? undefined : version === undefined ? paths.model(name) : paths.modelOfVersion?.(name, version);
    if (path === undefined) return undefined;
    const at = atPort(url === undefined ? server : new URL(url), paths.managementPort);
    const asked = await this.#deps.ask(clock, { url: under(at, path), timeoutMs: askMs });
    return asked.ok && asked.status === 200 ? protocol.describe(jsonOf(asked.body), name) : undefined;
  }
}

type Opened = { readonly ok: true; readonly seated: Seated } | { readonly ok: false; readonly detail: string };

/** For a question that says nothing of its time. */
const serverMs = 30_000;

/** The id goes with it, so that what the candidate logs can be found again. */
function marked(question: Question, path: string): Question {
  const passed = passedOn(question, path);
  const id = question.headers["pilotfish-inference-id"];
  return id === undefined ? passed : { ...passed, headers: { ...passed.headers, "pilotfish-inference-id": id } };
}

function isSame(a: CandidateAsked, b: CandidateAsked | undefined): boolean {
  return a.url === b?.url && a.version === b?.version && a.onnx === b?.onnx;
}

function jsonOf(body: Buffer): unknown {
  try {
    return JSON.parse(body.toString("utf8"));
  } catch {
    return undefined;
  }
}
