/** What the sidecar's main thread and an ONNX rung's thread say to each other. Plain data. */
import type { PlainOptions } from "../protocols/plain-options.ts";
import type { ProtocolName } from "../protocols/protocols.ts";
import type { ModelDescription } from "../protocols/protocol.ts";
import type { Input, InputMapping } from "./tensors.ts";

export interface OnnxThreadData {
  readonly path: string;
  readonly protocol: ProtocolName;
  readonly plain: PlainOptions | undefined;
  readonly features: readonly string[] | undefined;
  readonly inputs: InputMapping | undefined;
  readonly version: string | undefined;
}

export interface OnnxAsk {
  readonly id: number;
  readonly model: string;
  /** Where it was sent. */
  readonly target: string;
  /** The bytes as the client sent them. */
  readonly body: Uint8Array;
  readonly description: ModelDescription | undefined;
}

export type OnnxAnswer =
  | { readonly id: number; readonly outcome: "ok"; readonly headers: Readonly<Record<string, string>>; readonly body: Uint8Array }
  | { readonly id: number; readonly outcome: "error" | "unsupported" | "rejected"; readonly detail: string };

export type OnnxSay =
  | { readonly kind: "loaded"; readonly inputs: readonly Input[]; readonly outputs: readonly Input[] }
  | { readonly kind: "failed"; readonly detail: string }
  | { readonly kind: "answer"; readonly answer: OnnxAnswer };

/** Asks the thread to end by itself. A thread that is terminated in the middle of a run takes the whole process with it. */
export type OnnxLeave = "leave";
