/**
 * Holds an inference's inputs against the model's metadata and the reference: first the tensors, then what is missing, then
 * value by value. Cost: about 30 ns a value, bounded by how many are looked at.
 */
import type { ModelDescription, Places, Tensor, TensorDescription, Value } from "../protocols/protocol.ts";
import { categoryOf } from "../../detectors/reference/cells.ts";
import type { Expectation } from "./expectation.ts";
import { layoutOf, type Layout, type Place } from "./layout.ts";
import { Findings, inWords, type Found, type ViolationKind } from "./violation.ts";

export interface Terms {
  readonly expectations: readonly Expectation[];
  /** The model's metadata, as far as known. */
  readonly description: ModelDescription | undefined;
  /** Values looked at, of all features together. */
  readonly valuesMax: number;
  /** Where all of that stands in the body; asked only for what is wrong. */
  readonly places: () => Places;
}

export function check(inputs: readonly Tensor[], terms: Terms): Found {
  const findings = new Findings();
  const layout = layoutOf(inputs, terms.expectations.map(({ name }) => name));
  const absent = new Set<string>();
  for (const described of terms.description?.inputs ?? []) {
    const input = inputs.findIndex(({ name }) => name === described.name);
    if (input >= 0) checkTensor(inputs[input] as Tensor, described, (part) => terms.places().tensor(input, part), findings);
    else {
      absent.add(described.name);
      findings.add("feature", () => ({ path: terms.places().root, feature: described.name, row: undefined, got: "nothing", expected: `an input of ${described.datatype}` }));
    }
  }
  for (const input of layout.uneven) {
    const { name, shape } = inputs[input] as Tensor;
    findings.add("shape", () => ({ path: terms.places().tensor(input, "shape"), feature: name, row: undefined, got: `[${shape.join(", ")}]`, expected: `${layout.rows} rows, as the first input has` }));
  }
  const unevenNames = new Set(layout.uneven.map((input) => inputs[input]!.name));
  for (const { name, words } of terms.expectations) {
    if (layout.places.has(name) || absent.has(name) || unevenNames.has(name)) continue;
    findings.add("feature", () => ({ path: terms.places().root, feature: name, row: undefined, got: "nothing", expected: words }));
  }
  const unchecked = eachViolation(inputs, layout, terms, (kind, expectation, place, row, value) => {
    findings.add(kind, () => ({
      path: terms.places().value(place.input, row * place.width + place.offset),
      feature: expectation.name,
      row,
      got: inWords(value),
      expected: expectation.words,
    }));
  });
  return findings.found(unchecked);
}

/** Calls `visit` for each wrong value, row by row. Returns how many values were not looked at. */
export function eachViolation(
  inputs: readonly Tensor[],
  { rows, places }: Layout,
  { expectations, valuesMax }: Terms,
  visit: (kind: ViolationKind, expectation: Expectation, place: Place, row: number, value: Value) => void,
): number {
  const columns = expectations.flatMap((expectation) => {
    const place = places.get(expectation.name);
    return place === undefined ? [] : [{ expectation, place, values: (inputs[place.input] as Tensor).values }];
  });
  if (columns.length === 0) return 0;
  const checked = Math.min(rows, Math.floor(valuesMax / columns.length));
  for (let row = 0; row < checked; row += 1) {
    for (const { expectation, place, values } of columns) {
      const value = values[row * place.width + place.offset] as Value;
      const kind = violationOf(value, expectation);
      if (kind !== undefined) visit(kind, expectation, place, row, value);
    }
  }
  return (rows - checked) * columns.length;
}

/** What a value violates; undefined where it is as expected. */
export function violationOf(value: Value | undefined, expected: Expectation): ViolationKind | undefined {
  if (expected.kind === "numeric" && typeof value === "number" && value >= expected.low && value <= expected.high) return undefined;
  if (value === null || value === undefined) return expected.missing ? undefined : "missing";
  if (Number.isNaN(value)) return expected.missing ? undefined : "nan";
  if (expected.kind === "categorical") {
    const category = categoryOf(value);
    if (category === undefined) return typeof value === "number" ? "infinite" : "type";
    return expected.categories === undefined || expected.categories.has(category) ? undefined : "category";
  }
  if (typeof value !== "number") return "type";
  if (Number.isFinite(value)) return "range";
  return expected.infinite ? undefined : "infinite";
}

function checkTensor({ datatype, shape, name }: Tensor, described: TensorDescription, place: (part: "shape" | "datatype") => string, findings: Findings): void {
  if (described.datatype !== "" && datatype !== "" && datatype !== described.datatype) {
    findings.add("datatype", () => ({ path: place("datatype"), feature: name, row: undefined, got: datatype, expected: described.datatype }));
  }
  if (!fits(shape, described.shape)) {
    findings.add("shape", () => ({ path: place("shape"), feature: name, row: undefined, got: `[${shape.join(", ")}]`, expected: `[${described.shape.join(", ")}]` }));
  }
}

/** A dimension below 0 may be anything; no shape at all is no claim. */
export function fits(shape: readonly number[], described: readonly number[]): boolean {
  if (described.length === 0) return true;
  return shape.length === described.length && described.every((size, i) => !(size >= 0) || size === shape[i]);
}
