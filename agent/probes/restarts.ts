/**
 * How often the model server was seen to come up anew. After that it is cold: its first request may load the model, and what
 * was usual before says nothing. Two signs count: nobody listened at its port and then its readiness was good again; and, where
 * the collector sees the server's process, another one has taken its place. One restart that shows both counts once.
 */
import { primaryName } from "../backend.ts";
import type { Observation } from "../observation.ts";

export interface Restarts {
  readonly hear: (observation: Observation) => void;
  readonly count: () => number;
}

export function restarts(): Restarts {
  let count = 0;
  let down = false;
  let process: string | undefined;
  /** The count when that process was read last. */
  let countThen = 0;

  const hearProcess = (read: string): void => {
    if (process !== undefined && read !== process && count === countThen) count += 1;
    process = read;
    countThen = count;
  };

  return {
    count: () => count,
    hear(observation) {
      switch (observation.kind) {
        case "probe":
          if (observation.probe !== "http") return;
          if (observation.reason === "refused") down = true;
          if (observation.verdict !== "pass" || !down) return;
          down = false;
          count += 1;
          return;
        case "attempt": // An answer to one is no sign: a server that drains no longer listens and still answers.
          if (observation.backend === primaryName && observation.outcome === "refused") down = true;
          return;
        case "reading":
          if (observation.collector === "server-process" && observation.process !== undefined) hearProcess(observation.process);
          return;
        case "exchange":
        case "sample":
        case "copy":
        case "actual":
        case "trial":
        case "shadow":
          return;
      }
    },
  };
}
