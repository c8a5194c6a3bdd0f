/**
 * The candidate's place beside the gateway: the rung that is asked in its stead where it is an ONNX file, and the copies that go
 * to it. What is tried and how much of the traffic it gets is the rollout room's to say.
 */
import { instruments } from "../exporters/instruments.ts";
import type { Meter } from "../exporters/meter.ts";
import { ask } from "./forward/ask.ts";
import { CandidateRung, type CandidateRungDeps } from "./ladder/candidate-rung.ts";
import type { Observe } from "./observation.ts";
import { Shadow } from "./rollout/shadow.ts";
import type { ShadowOptions } from "./rollout/shadow-options.ts";

export interface CandidatePlaceDeps extends Omit<CandidateRungDeps, "ask"> {
  readonly meter: Meter;
  readonly observe: Observe;
}

export interface CandidatePlace {
  readonly rung: CandidateRung;
  readonly shadow: Shadow;
  close(): Promise<void>;
}

export function candidatePlace(options: ShadowOptions, { meter, observe, ...deps }: CandidatePlaceDeps): CandidatePlace {
  const rung = new CandidateRung({ ...deps, ask });
  const shadow = new Shadow(options, {
    clock: deps.clock,
    protocol: deps.protocol.name,
    candidate: rung,
    observe,
    counted: (result) => meter.counter(instruments.shadowCopies, { model: deps.model() ?? "unknown", result }).add(),
  });
  return {
    rung,
    shadow,
    close() {
      shadow.close();
      return rung.close();
    },
  };
}
