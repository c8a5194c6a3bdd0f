/** Has the model server load a version of its model, through its repository API. */
import type { Clock } from "./clock.ts";
import { ask } from "./forward/ask.ts";
import { atPort, under } from "./forward/under.ts";
import type { Protocol } from "./protocols/protocol.ts";

export type Loaded = { readonly ok: true } | { readonly ok: false; readonly detail: string };

/** undefined where its protocol knows no such thing. Never rejects. A load that went well may still not have loaded this version: only an answer of its own shows that. */
export function loadVersion(clock: Clock, server: string, { paths }: Protocol, model: string, version: string, timeoutMs: number): Promise<Loaded> | undefined {
  const command = paths.load?.(model, version);
  if (command === undefined) return undefined;
  const { method, path, body } = command;
  const url = under(atPort(new URL(server), paths.managementPort), path);
  return ask(clock, { url, method, timeoutMs, ...(body !== undefined && { body, headers: { "content-type": "application/json" } }) }).then((asked): Loaded => {
    if (!asked.ok) return { ok: false, detail: `the server did not load version ${version}: ${asked.detail}` };
    if (asked.status < 300) return { ok: true };
    return { ok: false, detail: `the server did not load version ${version}: it answered ${asked.status} ${asked.body.toString("utf8", 0, 300)}`.trimEnd() };
  });
}
