/**
 * Sends one request to one target until it takes it, refuses it, or was away for too often. At least once: an attempt whose answer
 * is lost is made again with the same id. A refusal (4xx) is final, since the same words would be refused again; a target that is
 * away, overloaded (429) or broken (5xx) is asked again after a pause that doubles up to five minutes, or after what it says itself.
 *
 * Knows nothing of what is sent. What became of each attempt is told, so that it can be kept over a restart.
 */
import type { Cancel, Clock } from "../../clock.ts";
import type { Ask } from "../../forward/ask.ts";
import { isPassing } from "../actuators/answer.ts";

export interface Delivery {
  readonly url: string;
  readonly method: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
  readonly timeoutMs: number;
  /** After the first attempt. */
  readonly retries: number;
  /** Values of headers: struck out of what the target says. */
  readonly secrets?: readonly string[] | undefined;
  /** Read at each attempt; rejects where it can not be had, which counts as an attempt. */
  readonly token?: (() => Promise<string>) | undefined;
  readonly isTaken: (status: number) => boolean;
}

export interface Attempted {
  readonly state: "waiting" | "done" | "refused" | "given-up";
  readonly attempts: number;
  /** A sentence for a person: never a header, a token or what is sent. */
  readonly detail: string;
}

export interface DeliverDeps {
  readonly clock: Clock;
  readonly ask: Ask;
  readonly told: (attempted: Attempted) => void;
}

const pauseMs = { first: 1_000, most: 300_000 };
const answerMax = 65_536;

/**
 * @param made attempts that were made before, as after a restart.
 * @returns what ends it without a word.
 */
export function deliver({ url, method, headers, body, timeoutMs, retries, secrets = [], token, isTaken }: Delivery, { clock, ask, told }: DeliverDeps, made: number = 0): Cancel {
  const ended = new AbortController();
  let attempts = made;
  let cancel: Cancel = () => {};

  async function attempt(): Promise<void> {
    const { outcome, detail, afterMs } = await once();
    if (ended.signal.aborted) return;
    attempts += 1;
    if (outcome !== "again") return told({ state: outcome, attempts, detail });
    if (attempts > retries) return told({ state: "given-up", attempts, detail });
    told({ state: "waiting", attempts, detail });
    const pause = Math.min(pauseMs.most, pauseMs.first * 2 ** Math.min(attempts - 1, 30));
    cancel = clock.after(afterMs ?? pause * (0.75 + 0.5 * clock.random()), () => void attempt());
  }

  async function once(): Promise<{ readonly outcome: "done" | "refused" | "again"; readonly detail: string; readonly afterMs?: number | undefined }> {
    let bearer: string | undefined;
    try {
      bearer = await token?.();
    } catch {
      return { outcome: "again", detail: "its token can not be read" };
    }
    const answer = await ask(clock, { url, method, headers: { ...headers, ...(bearer !== undefined && { authorization: `Bearer ${bearer}` }) }, body, timeoutMs, bodyMaxBytes: answerMax, signal: ended.signal });
    if (!answer.ok) return { outcome: "again", detail: `${answer.outcome}: ${struck(answer.detail, [url])}` };
    const { status } = answer;
    if (isTaken(status)) return { outcome: "done", detail: `status ${status}` };
    const says = struck(answer.body.toString("utf8"), [bearer ?? "", ...secrets]);
    const detail = says === "" ? `status ${status}` : `status ${status}: ${says}`;
    return isPassing(status) ? { outcome: "again", detail, afterMs: retryAfterMs(answer.headers["retry-after"]) } : { outcome: "refused", detail };
  }

  void attempt();
  return () => {
    ended.abort();
    cancel();
  };
}

/** Only in seconds, and no longer than an hour. */
function retryAfterMs(header: string | undefined): number | undefined {
  return header === undefined || !/^\d{1,4}$/.test(header) ? undefined : Math.min(3_600_000, Math.max(pauseMs.first, Number(header) * 1_000));
}

/** One short line for people. An address may hold a secret in its query, as those of chats do. */
function struck(text: string, secrets: readonly string[]): string {
  let left = text;
  for (const secret of secrets) if (secret !== "") left = left.replaceAll(secret, "***");
  return left.replaceAll(/[^\x20-\x7e]+/g, " ").trim().slice(0, 200);
}
