/**
 * What a receiver's answer means for an attempt: 2xx is done; what may be otherwise later (408, 425, 429, 5xx, no answer at all) is
 * worth another attempt; a redirection is never followed, since it would carry a token and an order to whoever it names.
 *
 * What is shown of an answer is one line of at most 400 characters, without the secrets that were sent: there are receivers that
 * repeat the request in their error.
 */
import { redacted, redactText } from "../../../exporters/redact.ts";
import type { Asked } from "../../forward/ask.ts";
import type { Attempted } from "./actuation.ts";

const shownMax = 400;
const afterMaxMs = 60_000;

/** @param to whom, as it may be shown: `placeOf`. */
export function judgeAnswer(asked: Asked, to: string, secrets: readonly string[]): Attempted {
  // It was heard; how it was answered is not known, and would not be known of another attempt.
  if (!asked.ok && asked.outcome === "too-large") return { result: "unconfirmed", detail: `${to}: ${asked.detail}`, again: false };
  if (!asked.ok) return { result: "failed", detail: `${to}: ${whyNot(asked, secrets)}`, again: asked.outcome !== "cancelled" };
  const { status, headers } = asked;
  if (status >= 200 && status < 300) return { result: "done", detail: `${to} answered ${status}` };
  const detail = `${to} ${said(asked, secrets)}`;
  if (status >= 300 && status < 400) return { result: "failed", detail: `${detail}; redirections are not followed`, again: false };
  return { result: "failed", detail, again: isPassing(status), afterMs: retryAfterMs(headers["retry-after"]) };
}

/** Why there is no answer, for people. */
export function whyNot({ outcome, detail }: Extract<Asked, { ok: false }>, secrets: readonly string[] = []): string {
  return outcome === "timeout" ? "no answer in its time" : shown(detail, secrets);
}

/** A status and what came with it, for people. */
export function said({ status, body }: Extract<Asked, { ok: true }>, secrets: readonly string[] = []): string {
  const text = shown(body.toString("utf8", 0, 4 * shownMax), secrets);
  return text === "" ? `answered ${status}` : `answered ${status}: ${text}`;
}

/** May the same be answered otherwise later? */
export function isPassing(status: number): boolean {
  return status >= 500 || status === 408 || status === 425 || status === 429;
}

/** Where something is sent, without what may be secret in it: many a receiver's path or query is its password. */
export function placeOf(url: string | URL): string {
  return URL.parse(url.toString())?.origin ?? "no address";
}

function shown(text: string, secrets: readonly string[]): string {
  const without = secrets.filter((secret) => secret.length > 0).reduce((left, secret) => left.replaceAll(secret, redacted), text);
  const line = redactText(without).replaceAll(/[\s\p{Cc}\p{Cf}]+/gu, " ").trim();
  return line.length > shownMax ? `${line.slice(0, shownMax - 1)}…` : line;
}

/** Seconds as they are written mostly; a date is passed over, and more than a minute is none of our patience. */
function retryAfterMs(text: string | undefined): number | undefined {
  return text !== undefined && /^\d{1,9}$/.test(text) ? Math.min(afterMaxMs, Number(text) * 1_000) : undefined;
}
