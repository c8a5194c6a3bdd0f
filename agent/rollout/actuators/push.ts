/** Sends one body to one URL with the headers and the token that the config gives, for the actuators that tell by HTTP. */
import type { Clock } from "../../clock.ts";
import type { Ask } from "../../forward/ask.ts";
import type { Actuation, Attempted } from "./actuation.ts";
import { judgeAnswer, placeOf } from "./answer.ts";
import { readSecret, secretField, type Environment, type SecretPlace } from "./secret.ts";

export interface PushOptions {
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly token?: (SecretPlace & { readonly header: string }) | undefined;
}

export interface PushDeps {
  readonly clock: Clock;
  readonly ask: Ask;
  readonly environment: Environment;
}

export interface Pushed {
  readonly method: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

/** Below this a configured value may as well be a word of the answer. */
const secretMin = 8;

export async function push({ url, headers, token }: PushOptions, { method, headers: own, body }: Pushed, deadlineMs: number, signal: AbortSignal, { clock, ask, environment }: PushDeps): Promise<Attempted> {
  const { pathname, search } = new URL(url);
  const secrets = [search, pathname, ...Object.values(headers)].filter(({ length }) => length >= secretMin);
  const sent: Record<string, string> = { ...headers, ...own };
  if (token !== undefined) {
    const read = await readSecret(token, environment);
    // A secret that is being replaced may be there in a moment.
    if (!read.ok) return { result: "failed", detail: read.detail, again: true };
    secrets.push(read.value);
    Object.assign(sent, secretField(token.header, read.value));
  }
  const asked = await ask(clock, { url, method, headers: sent, body, timeoutMs: Math.max(1, deadlineMs - clock.monotonicMs()), signal });
  return judgeAnswer(asked, placeOf(url), secrets);
}

/** What receivers are sent, as docs/ROLLOUT.md describes it. What is not known is left out. */
export function bodyOf({ id, rollout, action, model, candidate, candidateVersion, primaryVersion, weight, reason, evidence, atWallMs }: Actuation): Readonly<Record<string, unknown>> {
  return { id, action, rollout, model, candidate, candidateVersion, primaryVersion, weight, reason, evidence, at: new Date(atWallMs).toISOString() };
}
