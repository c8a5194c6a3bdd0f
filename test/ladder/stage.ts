/** A ladder that is started and closed with the test, and questions for it. */
import { join } from "node:path";
import { onTestFinished } from "vitest";
import type { Question, RungAnswer } from "../../agent/backend.ts";
import type { Clock } from "../../agent/clock.ts";
import { systemClock } from "../../agent/clock.ts";
import { ask as askServer } from "../../agent/forward/ask.ts";
import { under } from "../../agent/forward/under.ts";
import { ladder, ladderOptions } from "../../agent/ladder/ladder.ts";
import type { Ladder, LadderDeps } from "../../agent/ladder/ladder.ts";
import { silent } from "../../agent/log.ts";
import type { Log, LogFields } from "../../agent/log.ts";
import { openInference } from "../../agent/protocols/open-inference.ts";
import type { ModelDescription, Tensor } from "../../agent/protocols/protocol.ts";

export const fixtures = join(import.meta.dirname, "fixtures");
export const employment = join(import.meta.dirname, "..", "..", "examples", "employment");

export interface Told {
  readonly level: keyof Log;
  readonly fields: LogFields;
  readonly message: string;
}

export interface Stage {
  readonly ladder: Ladder;
  readonly told: readonly Told[];
  readonly close: () => Promise<void>;
  /** What the rung of that place (from 0) answers. */
  readonly ask: (question: Question, place?: number, signal?: AbortSignal) => Promise<RungAnswer>;
}

/** A real client, on a connection of its own each time. */
export const send: LadderDeps["send"] = (server, { method, path, headers, body }, timeoutMs, signal) =>
  askServer(systemClock, { url: under(server, path), method, headers: headers as Record<string, string>, body, timeoutMs, signal });

/** What a ladder needs that nobody here has, with whatever a test brings. */
export function ladderDeps(given: Partial<LadderDeps> = {}): LadderDeps {
  return {
    clock: systemClock,
    log: silent,
    protocol: openInference,
    describe: () => undefined,
    server: new URL("http://127.0.0.1:9"),
    send,
    knownGood: () => undefined,
    features: () => undefined,
    inRange: () => "there is no reference",
    disagreement: () => {},
    dropped: () => {},
    ...given,
  };
}

export async function stage(options: unknown, description?: ModelDescription, clock: Clock = systemClock, given: Partial<LadderDeps> = {}): Promise<Stage> {
  const told: Told[] = [];
  const tell = (level: keyof Log) => (fields: LogFields, message: string) => void told.push({ level, fields, message });
  const log: Log = { debug: tell("debug"), info: tell("info"), warn: tell("warn"), error: tell("error") };
  const made = ladder(ladderOptions.parse(options), ladderDeps({ clock, log, describe: () => description, ...given }));
  const close = await made.start();
  onTestFinished(close);
  return {
    ladder: made,
    told,
    close,
    ask: (question, place = 0, signal = new AbortController().signal) => {
      const rung = made.rungs[place];
      if (rung === undefined) throw new RangeError(`no rung ${place}`);
      return rung.answer(question, signal);
    },
  };
}

export function question(body: unknown, model: string = "employment"): Question {
  return { method: "POST", path: `/v2/models/${model}/infer`, headers: {}, body: Buffer.isBuffer(body) ? body : Buffer.from(JSON.stringify(body)) };
}

export interface AnswerBody {
  readonly model_name: string;
  readonly model_version?: string;
  readonly id?: string;
  readonly outputs: readonly (Omit<Tensor, "values"> & { readonly data: readonly number[] })[];
}

export function bodyOf(answer: RungAnswer): AnswerBody {
  if (answer.outcome !== "ok") throw new Error(`${answer.outcome}: ${answer.detail}`);
  return JSON.parse(answer.body.toString()) as AnswerBody;
}
