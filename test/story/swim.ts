/** The whole agent on one thread and a clock that is turned by hand, closed when the test is over. */
import { onTestFinished } from "vitest";
import { startAgent, type RunningAgent } from "../../agent/agent.ts";
import { inlineAnalysis } from "../../agent/analysis-inline.ts";
import type { Config } from "../../agent/config/config.ts";
import { silent } from "../../agent/log.ts";
import { FakeClock } from "../fake-clock.ts";

export interface Swimming {
  readonly agent: RunningAgent;
  readonly clock: FakeClock;
  /** Turns the clock until all is closed; a second call waits for the first. */
  readonly close: () => Promise<void>;
}

export async function swim(config: Config, clock: FakeClock = new FakeClock()): Promise<Swimming> {
  const agent = await startAgent(config, { clock, log: silent, version: "test", analysis: inlineAnalysis });
  let closed: Promise<unknown> | undefined;
  const close = async (): Promise<void> => {
    let done = false;
    closed ??= agent.close().finally(() => (done = true));
    for (let i = 0; i < 10_000 && !done; i += 1) {
      clock.advance(50);
      await new Promise(setImmediate);
    }
    await closed;
  };
  onTestFinished(close);
  return { agent, clock, close };
}
