/**
 * The input contract: what an inference may ask, by the model's metadata and by what its reference shows, and what becomes of
 * one that breaks it. It is the request's fault and says nothing about the server, so it never counts against a circuit.
 *
 * `observe` only counts; `reject` answers 422 with the path of what is wrong; `repair` mends what can be mended, says so in a
 * header and rejects the rest; `fallback` leaves it to the rungs, of which a rule or a default may do. Pure.
 */
import type { ModelDescription, Places, Tensor } from "../protocols/protocol.ts";
import type { FeatureReference } from "../../detectors/reference/reference.ts";
import { check, type Terms } from "./check.ts";
import type { ContractOptions } from "./options.ts";
import { expectationOf } from "./expectation.ts";
import { repair, repairedValue } from "./repair.ts";
import type { Found } from "./violation.ts";

export interface ContractParts {
  /** Of the reference: those that are in the requests. None: only the metadata is held against them. */
  readonly features: readonly FeatureReference[];
  readonly description?: ModelDescription | undefined;
}

export type Decision =
  /** As it came. With what was found, which is only counted. */
  | { readonly do: "pass"; readonly found: Found }
  | { readonly do: "reject"; readonly found: Found; readonly problem: ProblemDetails }
  /** These inputs instead, and the value of the header `pilotfish-repaired`. */
  | { readonly do: "repair"; readonly found: Found; readonly inputs: readonly Tensor[]; readonly header: string }
  | { readonly do: "fallback"; readonly found: Found };

/** RFC 9457, `application/problem+json`. */
export interface ProblemDetails {
  readonly type: "about:blank";
  readonly title: "Unprocessable Content";
  readonly status: 422;
  readonly detail: string;
  /** At most 20. */
  readonly violations: Found["violations"];
  /** All there are. */
  readonly count: number;
}

export interface InputContract {
  /** `places`: where things stand in the request's body, asked only for what is wrong; by default as in the Open Inference Protocol with flat data. */
  decide(inputs: readonly Tensor[], places?: () => Places): Decision;
}

const nothing: Found = { violations: [], counts: {}, count: 0, unchecked: 0 };

/** Cost of `decide`: about 30 ns a value looked at, nothing where validation is off. */
export function inputContract({ validation, tolerance, values }: ContractOptions, { features, description }: ContractParts): InputContract {
  const expectations = features.map((feature) => expectationOf(feature, tolerance));
  return {
    decide(inputs, places = () => flatPlaces) {
      if (validation === "off") return { do: "pass", found: nothing };
      const terms: Terms = { expectations, description, valuesMax: values, places };
      const found = check(inputs, terms);
      if (found.count === 0 || validation === "observe") return { do: "pass", found };
      if (validation === "fallback") return { do: "fallback", found };
      if (validation === "reject") return { do: "reject", found, problem: problemOf(found) };
      const repaired = repair(inputs, terms);
      if (!repaired.ok) return { do: "reject", found, problem: problemOf(found, `It can not be repaired: ${repaired.reason}.`) };
      return { do: "repair", found, inputs: repaired.inputs, header: repairedValue(repaired.deeds) };
    },
  };
}

const flatPlaces: Places = {
  root: "inputs",
  tensor: (input, part) => `inputs[${input}].${part}`,
  value: (input, index) => `inputs[${input}].data[${index}]`,
};

/** What is said of a request that breaks the contract. `more`: a sentence to add. */
export function problemOf(found: Found, more: string = ""): ProblemDetails {
  const { violations, count } = found;
  const [first] = violations;
  const example = first === undefined ? "" : ` The first: ${first.path}: expected ${first.expected}, got ${first.got}.`;
  const detail = `The request breaks the model's input contract in ${count} ${count === 1 ? "place" : "places"}.${example}${more === "" ? "" : ` ${more}`}`;
  return { type: "about:blank", title: "Unprocessable Content", status: 422, detail, violations, count };
}
