/**
 * Puts inputs right where that can be done honestly: a number that came as text is read, a value out of range is clipped to the
 * range, one that is missing or no value at all becomes the feature's median or most frequent category, a missing tensor is
 * filled with these. Whatever was changed is said, by feature and by deed, in a header.
 *
 * What can not be repaired: a wrong shape, since nobody knows which value is whose; a column missing from a matrix; and
 * integers beyond 2^53 anywhere in the request, as they would lose digits when the body is written anew.
 */
import type { Tensor, TensorDescription, Value } from "../protocols/protocol.ts";
import { categoryOf } from "../../detectors/reference/cells.ts";
import { eachViolation, fits, violationOf, type Terms } from "./check.ts";
import type { Expectation } from "./expectation.ts";
import { layoutOf } from "./layout.ts";

export const deeds = ["impute", "clip", "cast"] as const;
export type Deed = (typeof deeds)[number];

export type Repaired =
  | { readonly ok: true; readonly inputs: readonly Tensor[]; readonly deeds: ReadonlyMap<string, Readonly<Partial<Record<Deed, number>>>> }
  /** For people. */
  | { readonly ok: false; readonly reason: string };

/** The header that says what was changed. */
export const repairedHeader = "pilotfish-repaired";

/** Leaves the tensors as they are and makes new ones where something changes. Cost: as of the check, and a copy of each tensor changed. */
export function repair(inputs: readonly Tensor[], terms: Terms): Repaired {
  const { expectations, description, valuesMax } = terms;
  const layout = layoutOf(inputs, expectations.map(({ name }) => name));
  if (layout.uneven.length > 0) return cannot(`${inputs[layout.uneven[0] as number]!.name} has another number of rows than the first input`);
  const digits = inputs.find(losesDigits);
  if (digits !== undefined) return cannot(`${digits.name} holds integers beyond 2^53, which would lose digits`);

  const done = new Map<string, Partial<Record<Deed, number>>>();
  const note = (feature: string, deed: Deed, times: number): void => {
    const of = done.get(feature) ?? {};
    of[deed] = (of[deed] ?? 0) + times;
    done.set(feature, of);
  };

  const changed = new Map<number, Value[]>();
  const unchecked = eachViolation(inputs, layout, terms, (_kind, expectation, place, row, value) => {
    const tensor = inputs[place.input] as Tensor;
    const values = changed.get(place.input) ?? [...tensor.values];
    changed.set(place.input, values);
    const [better, deed] = mended(value, expectation);
    values[row * place.width + place.offset] = inDatatype(better, tensor.datatype);
    note(expectation.name, deed, 1);
  });
  if (unchecked > 0) return cannot(`more than ${valuesMax} values are not looked at`);

  const mendedInputs: Tensor[] = [];
  for (const [i, tensor] of inputs.entries()) {
    const values = changed.get(i) ?? tensor.values;
    const described = description?.inputs.find(({ name }) => name === tensor.name);
    if (described !== undefined && !fits(tensor.shape, described.shape)) return cannot(`${tensor.name} has the shape [${tensor.shape.join(", ")}]`);
    const datatype = described === undefined || described.datatype === "" || tensor.datatype === "" ? tensor.datatype : described.datatype;
    if (datatype === tensor.datatype) mendedInputs.push(changed.has(i) ? { ...tensor, values } : tensor);
    else {
      const cast = values.map((value) => inDatatype(value, datatype));
      if (!values.every((value, at) => sameValue(value, cast[at] as Value))) return cannot(`${tensor.name} does not fit into ${datatype}`);
      mendedInputs.push({ ...tensor, datatype, values: cast });
      note(tensor.name, "cast", cast.length);
    }
  }

  const byName = new Map(expectations.map((expectation) => [expectation.name, expectation]));
  const wanted = new Set([...(description?.inputs ?? []).map(({ name }) => name), ...byName.keys()]);
  for (const name of wanted) {
    if (layout.places.has(name) || inputs.some((tensor) => tensor.name === name)) continue;
    const expectation = byName.get(name);
    const described = description?.inputs.find((input) => input.name === name);
    const tensor = expectation && filled(expectation, described, layout.rows, inputs);
    if (tensor === undefined) return cannot(`${name} is missing, and nothing is known to put in its place`);
    mendedInputs.push(tensor);
    note(name, "impute", layout.rows);
  }
  return { ok: true, inputs: mendedInputs, deeds: done };
}

function cannot(reason: string): Repaired {
  return { ok: false, reason };
}

/** A value in its place, and how that was come by. */
function mended(value: Value, expected: Expectation): readonly [Value, Deed] {
  if (expected.kind === "categorical") return [expected.fill, "impute"];
  const number = typeof value === "string" && value.trim() !== "" ? Number(value) : typeof value === "boolean" ? Number(value) : value;
  if (typeof number !== "number" || Number.isNaN(number)) return [expected.fill, "impute"];
  if (violationOf(number, expected) === undefined) return [number, "cast"];
  return [Math.min(expected.max, Math.max(expected.min, number)), "clip"];
}

/** A tensor for a feature that was not sent; only where every other feature has a tensor of its own, or the model describes it so. */
function filled(expected: Expectation, described: TensorDescription | undefined, rows: number, inputs: readonly Tensor[]): Tensor | undefined {
  const alike = inputs.find(({ values }) => values.length === rows);
  if (described === undefined && (alike === undefined || inputs.some(({ values }) => values.length !== rows))) return undefined;
  const shape = (described?.shape.length ?? 0) > 0 ? (described as TensorDescription).shape.map((size, i) => (i === 0 ? rows : size < 0 ? 1 : size)) : [...(alike?.shape ?? [rows])];
  const count = shape.reduce((product, size) => product * size, 1);
  if (count !== rows) return undefined;
  const datatype = described?.datatype ?? (expected.kind === "numeric" ? "FP64" : "BYTES");
  return { name: expected.name, datatype, shape, values: Array.from({ length: rows }, () => inDatatype(expected.fill, datatype)) };
}

/** As a tensor of this type can hold it, as near as may be. */
function inDatatype(value: Value, datatype: string): Value {
  if (value === null) return value;
  if (datatype === "BYTES") return categoryOf(value) ?? null;
  const number = typeof value === "string" && value.trim() !== "" ? Number(value) : value;
  if (/^U?INT\d+$/.test(datatype)) return typeof number === "boolean" || Number.isFinite(number) ? Math.round(Number(number)) : value;
  if (/^B?FP?\d+$/.test(datatype)) return typeof number === "boolean" || !Number.isNaN(number) ? Number(number) : value;
  if (datatype === "BOOL") return number === 1 || number === true ? true : number === 0 || number === false ? false : value;
  return value;
}

function sameValue(before: Value, after: Value): boolean {
  return Object.is(before, after) || (before !== null && after !== null && Number(before) === Number(after) && before !== "");
}

function losesDigits({ datatype, values }: Tensor): boolean {
  return (datatype === "INT64" || datatype === "UINT64") && values.some((value) => typeof value === "number" && Number.isInteger(value) && !Number.isSafeInteger(value));
}

const headerMax = 512;

/**
 * A list of RFC 9651: `"age";impute=3, "income";clip=1;cast=2`. Features that do not fit any more are counted:
 * `more;features=4`. Names are percent-encoded where they are not printable ASCII; at most 512 characters.
 */
export function repairedValue(done: ReadonlyMap<string, Readonly<Partial<Record<Deed, number>>>>): string {
  const tail = (left: number) => `more;features=${left}`;
  let text = "";
  let told = 0;
  for (const [feature, of] of done) {
    const item = `"${quoted(feature)}"${deeds.flatMap((deed) => (of[deed] === undefined ? [] : [`;${deed}=${of[deed]}`])).join("")}`;
    const longer = text === "" ? item : `${text}, ${item}`;
    if (longer.length > headerMax - tail(done.size).length - 2) break;
    text = longer;
    told += 1;
  }
  if (told === done.size) return text;
  return text === "" ? tail(done.size) : `${text}, ${tail(done.size - told)}`;
}

function quoted(name: string): string {
  return encodeURI(name.toWellFormed());
}
