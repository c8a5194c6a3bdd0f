/**
 * The input contract before a server: reads a request's body in the protocol, holds it against the contract as it is known at
 * that moment, and writes a repaired one so that the server gets the request that the client meant. Counts what it sees.
 *
 * A body that can not be read as tensors breaks a contract that knows of any: a form with its fields missing is no picture.
 * Where nothing is known of the inputs, or the body is packed in more than the gate unpacks, it is passed on and counted.
 */
import { deflateSync, gzipSync } from "node:zlib";
import type { FeatureReference } from "../../detectors/reference/reference.ts";
import { unpack } from "../protocols/json.ts";
import type { ModelDescription, ParsedRequest, Protocol, RequestPlaces, Tensor, TensorDescription, Unreadable } from "../protocols/protocol.ts";
import { namedPlaces } from "../protocols/request-places.ts";
import { inputContract, problemOf, type InputContract, type ProblemDetails } from "./contract.ts";
import type { ContractOptions } from "./options.ts";
import { repairedHeader } from "./repair.ts";
import { Findings, violationKinds, type Found, type ViolationKind } from "./violation.ts";

export const contractResults = ["passed", "broken", "rejected", "repaired", "fallback", "unchecked"] as const;
/** `broken`: found while only observing. `unchecked`: nobody could look at it. */
export type ContractResult = (typeof contractResults)[number];

export interface Ask {
  readonly body: Uint8Array;
  readonly path: string;
  /** Lower-case names; asked only for a repair. */
  readonly headers: () => Readonly<Record<string, unknown>>;
}

export type Ruling =
  | { readonly do: "pass" }
  | { readonly do: "reject" | "fallback"; readonly problem: ProblemDetails }
  /** Send this, with these headers instead of the request's own; tell the client `told`. */
  | { readonly do: "repair"; readonly body: Buffer; readonly headers: Readonly<Record<string, string>>; readonly told: readonly [name: string, value: string] };

export interface ContractGate {
  /** False: what is found is only counted, so that it need not be looked for before the request is answered. */
  readonly decides: boolean;
  /** Never throws. Cost: the parsing of the body, and about 30 ns a value. */
  rule(ask: Ask): Ruling;
  /** The body could not be held. */
  passedBy(): void;
}

export interface ContractGateParts {
  readonly protocol: Protocol;
  /** Of the reference: those that are in the requests. */
  readonly features: readonly FeatureReference[];
  readonly description: () => ModelDescription | undefined;
  readonly request: (result: ContractResult) => void;
  readonly violations: (kind: ViolationKind, count: number) => void;
  /** Values that were not looked at, since there were too many. */
  readonly unchecked: (values: number) => void;
}

const pass: Ruling = { do: "pass" };

/** Of a packed body. */
const unpackedMaxBytes = 1_048_576;

/** These speak of the body's bytes, which a repair changes. */
const sealing = ["content-digest", "repr-digest", "digest", "content-md5", "signature", "x-amz-content-sha256"];

/** undefined where validation is off. */
export function contractGate(options: ContractOptions, parts: ContractGateParts): ContractGate | undefined {
  const { protocol, features } = parts;
  const { validation } = options;
  if (validation === "off") return undefined;

  const bare = inputContract(options, { features });
  let described: ModelDescription | undefined;
  let contract: InputContract = bare;
  /** As the model's metadata are now. */
  function learn(): void {
    const description = parts.description();
    if (description !== described) contract = inputContract(options, { features, description });
    described = description;
  }

  /** Rows alone do not say which of the model's inputs they are. */
  function contractFor(inputs: readonly Tensor[]): InputContract {
    const isUnnamed = protocol.typed !== true && !inputs.some(({ name }) => described?.inputs.some((input) => input.name === name) === true);
    return isUnnamed ? bare : contract;
  }

  function count(result: ContractResult, { counts, unchecked }: Found): void {
    parts.request(result);
    for (const kind of violationKinds) if (counts[kind] !== undefined) parts.violations(kind, counts[kind]);
    if (unchecked > 0) parts.unchecked(unchecked);
  }

  function passedBy(): Ruling {
    parts.request("unchecked");
    return pass;
  }

  function rule({ body: sent, path, headers }: Ask): Ruling {
    const body = unpack(sent, unpackedMaxBytes);
    learn();
    if (body === undefined || (features.length === 0 && (described?.inputs.length ?? 0) === 0)) return passedBy();
    const asked = protocol.parseRequest(body, path);
    if (!asked.ok) return unreadable(asked.reason);
    const inputs = inputsOf(protocol, body, asked, described);

    let read: RequestPlaces | undefined;
    const requestPlaces = () => (read ??= protocol.requestPlaces?.(body, asked.inputs, path));
    const decision = contractFor(inputs).decide(inputs, () => requestPlaces() ?? namedPlaces(inputs));
    const { found } = decision;
    switch (decision.do) {
      case "pass":
        count(found.count === 0 ? "passed" : "broken", found);
        return pass;
      case "fallback":
        count("fallback", found);
        return { do: "fallback", problem: problemOf(found) };
      case "reject":
        count("rejected", found);
        return { do: "reject", problem: decision.problem };
      case "repair": {
        const why = sealing.find((name) => headers()[name] !== undefined);
        // What was not changed must be the object that was read, so that it is not written anew.
        const repaired = decision.inputs.map((tensor) => (inputs.includes(tensor) ? (asked.inputs[inputs.indexOf(tensor)] as Tensor) : tensor));
        const written = why === undefined ? requestPlaces()?.rewritten(repaired) : undefined;
        if (written === undefined) {
          count("rejected", found);
          const reason = why === undefined ? "the body can not be written anew without losing something" : `its header ${why} speaks of the body as it was sent`;
          return { do: "reject", problem: problemOf(found, `It can not be repaired: ${reason}.`) };
        }
        count("repaired", found);
        return { do: "repair", body: packed(written.body, sent, body), headers: written.headers, told: [repairedHeader, decision.header] };
      }
    }
  }

  function unreadable(reason: Unreadable): Ruling {
    const findings = new Findings();
    findings.add(kindOf[reason], () => ({ path: "body", feature: "", row: undefined, got: inWords[reason], expected: "the model's inputs" }));
    const found = findings.found(0);
    if (validation === "observe") {
      count("broken", found);
      return pass;
    }
    count(validation === "fallback" ? "fallback" : "rejected", found);
    return { do: validation === "fallback" ? "fallback" : "reject", problem: problemOf(found) };
  }

  return { decides: validation !== "observe", rule, passedBy: () => void passedBy() };
}

const kindOf: Readonly<Record<Unreadable, ViolationKind>> = { "not-json": "type", "no-tensors": "feature", shape: "shape", binary: "shape", empty: "feature" };

const inWords: Readonly<Record<Unreadable, string>> = {
  "not-json": "no JSON",
  "no-tensors": "no inputs in it",
  shape: "values that do not fit their shape",
  binary: "bytes that do not fit their tensors",
  empty: "nothing",
};

/**
 * The tensors to check. Where a protocol does not let clients say a datatype, numbers may be meant as any that the model takes.
 * Where it has no tensors at all but text, the columns that its traffic is watched by.
 */
function inputsOf(protocol: Protocol, body: Uint8Array, { inputs }: Extract<ParsedRequest, { ok: true }>, description: ModelDescription | undefined): readonly Tensor[] {
  if (protocol.typed === true) return inputs;
  if (protocol.requestPlaces === undefined) {
    const decoded = protocol.decodeRequest(body);
    return decoded.ok ? decoded.columns.map(({ name, values }) => ({ name, datatype: "", shape: [values.length], values })) : inputs;
  }
  return inputs.map((tensor) => (isNumeric(tensor) && description?.inputs.some((input) => input.name === tensor.name && isNumeric(input)) !== false ? { ...tensor, datatype: "" } : tensor));
}

function isNumeric({ datatype }: TensorDescription): boolean {
  return datatype !== "BYTES" && datatype !== "BOOL";
}

/** As the client had packed it. */
function packed(body: Buffer, sent: Uint8Array, unpacked: Uint8Array): Buffer {
  if (sent === unpacked) return body;
  return sent[0] === 0x1f ? gzipSync(body) : deflateSync(body);
}
