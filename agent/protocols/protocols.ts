/** The protocols that Pilotfish speaks, by the name that a config gives them. */
import { kserve } from "./kserve.ts";
import { openInference } from "./open-inference.ts";
import { openai } from "./openai.ts";
import { plainDefaults, plainProtocol } from "./plain.ts";
import type { PlainOptions } from "./plain-options.ts";
import type { Protocol } from "./protocol.ts";
import { tfServing } from "./tf-serving.ts";
import { torchserve } from "./torchserve.ts";

/** `plain` is here with its defaults; `protocolNamed` has it as configured. */
export const protocols = {
  "open-inference": openInference,
  kserve,
  "tf-serving": tfServing,
  torchserve,
  openai,
  plain: plainProtocol(plainDefaults),
} as const satisfies Record<string, Protocol>;

export type ProtocolName = keyof typeof protocols;

export const protocolNames = Object.keys(protocols) as readonly ProtocolName[];

/** The protocol of that name. `plain`: as configured, also in other threads, which get the options with their data. */
export function protocolNamed(name: ProtocolName, plain?: PlainOptions): Protocol {
  return name === "plain" && plain !== undefined ? plainProtocol(plain) : protocols[name];
}
