/** Why a question over HTTP got no answer, in the words of probes. Shared by the probes that ask over HTTP. */
import type { Asked } from "../forward/ask.ts";
import type { ProbeReason } from "../observation.ts";

/** An answer that is too large is one that can not be read; a question called back while closing is looked at by nobody. */
export const reasonOf = {
  refused: "refused",
  reset: "reset",
  timeout: "timeout",
  invalid: "invalid",
  "too-large": "invalid",
  cancelled: "none",
} as const satisfies Record<Extract<Asked, { ok: false }>["outcome"], ProbeReason>;
