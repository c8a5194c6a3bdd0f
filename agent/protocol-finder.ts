/**
 * `server.protocol: auto`: which protocol the server speaks, found by asking it a few harmless questions. Until it answers one
 * of them nothing is known, and it is asked again.
 */
import type { Clock } from "./clock.ts";
import type { Ask } from "./forward/ask.ts";
import { under } from "./forward/under.ts";
import { judge, questionsOf, type DetectedName } from "./protocols/detect.ts";

export interface ProtocolFinderDeps {
  readonly clock: Clock;
  readonly ask: Ask;
  /** Called once. */
  readonly found: (protocol: DetectedName) => void;
}

const intervalMs = 2_000;
const timeoutMs = 1_000;
const bodyMaxBytes = 65_536;

/** Asks at once and every two seconds until an answer tells, or until what comes back is called. Cost: up to five short questions each time. */
export function startProtocolFinder(server: URL, model: string | undefined, { clock, ask, found }: ProtocolFinderDeps): () => void {
  let asking = false;
  let done = false;
  const turn = async (): Promise<void> => {
    if (asking || done) return;
    asking = true;
    const answers = await Promise.all(
      questionsOf(model).map(async ({ method, path }) => {
        const asked = await ask(clock, { url: under(server, path), method, timeoutMs, bodyMaxBytes });
        return asked.ok ? { path, status: asked.status, body: asked.body } : { path, status: undefined, body: new Uint8Array() };
      }),
    );
    asking = false;
    const protocol = judge(answers);
    if (done || protocol === undefined) return;
    stop();
    found(protocol);
  };
  const cancel = clock.every(intervalMs, () => void turn());
  const stop = (): void => {
    done = true;
    cancel();
  };
  void turn();
  return stop;
}
