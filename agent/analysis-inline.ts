/** The analysis on its caller's thread and by its caller's clock: for tests, where a fake clock turns everything. */
import { AnalysisQueue, type Analysis, type AnalysisDeps, type AnalysisOptions, type Desk, type OpenDesk } from "./analysis.ts";
import type { ToAnalyst } from "./analysis-messages.ts";
import { openAnalyst } from "./analyst.ts";

/** As `analysis`, and all of its code but the thread. Do not rely on the order of callbacks within one moment. */
export function inlineAnalysis(options: AnalysisOptions, deps: AnalysisDeps): Analysis {
  return new AnalysisQueue(options, deps, inlineDesk);
}

/** Gives what a message port would: nothing is shared with the sender, and what comes before the start waits. */
const inlineDesk: OpenDesk = (setup, { clock, message, gone }): Desk => {
  let hear: ((received: ToAnalyst) => void) | undefined;
  const early: ToAnalyst[] = [];
  openAnalyst(structuredClone(setup), { clock, tell: (told) => message(structuredClone(told)) }).then(
    (analyst) => {
      hear = (received) => analyst.hear(received);
      for (const received of early) hear(received);
    },
    (error: unknown) => gone(String(error)),
  );
  return {
    post(sent, transfer = []) {
      const received = structuredClone(sent, { transfer: [...transfer] });
      if (hear === undefined) early.push(received);
      else hear(received);
    },
    terminate() {
      // It ended when it said `closed`.
    },
  };
};
