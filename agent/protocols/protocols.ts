/** The protocols that Pilotfish speaks, by the name that a config gives them. */
import { openInference } from "./open-inference.ts";
import type { Protocol } from "./protocol.ts";

export const protocols = {
  "open-inference": openInference,
} as const satisfies Record<string, Protocol>;

export type ProtocolName = keyof typeof protocols;
