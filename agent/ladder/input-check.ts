/**
 * Will a model in the sidecar find its inputs in the primary's requests? What can be known before the first request comes:
 * that the mapping names inputs which the model has, and, once the primary's description is known, that every input gets
 * something, as many values a row as it takes, numbers where it takes numbers. Pure.
 */
import type { ModelDescription, TensorDescription } from "../protocols/protocol.ts";
import { isConstant } from "./tensors.ts";
import type { Constant, Input, InputMapping, InputSource } from "./tensors.ts";

interface Given {
  /** Values a row; undefined where that is not known. */
  readonly width: number | undefined;
  readonly text: boolean | undefined;
}

/** Why it will not, in a sentence; undefined where nothing speaks against it. */
export function misfit(inputs: readonly Input[], mapping: InputMapping, features: readonly string[] | undefined, description: ModelDescription | undefined): string | undefined {
  const has = inputs.map(({ name }) => name).join(", ");
  const stranger = Object.keys(mapping).find((name) => inputs.every((input) => input.name !== name));
  if (stranger !== undefined) return `its mapping names the input ${stranger}, and the model has ${has}`;
  for (const input of inputs) {
    const given = sourceOf(input, inputs.length === 1, mapping, features, description);
    if (given === undefined) return `its input ${input.name} gets nothing: the primary takes ${description?.inputs.map(({ name }) => name).join(", ")}`;
    const width = widthOf(input.shape.slice(1));
    if (width !== undefined && given.width !== undefined && width !== given.width) return `its input ${input.name} takes ${width} values a row and gets ${given.width}`;
    if (given.text !== undefined && given.text !== (input.type === "string")) return `its input ${input.name} takes ${input.type === "string" ? "text and gets numbers" : "numbers and gets text"}`;
  }
  return undefined;
}

/** What the model takes and what the primary gives, with types and shapes: `the model takes X float32[n,4]; the primary, X FP32[-1,3]`. */
export function bothInWords(inputs: readonly Input[], description: ModelDescription | undefined): string {
  const takes = inputs.map(({ name, type, shape }) => `${name} ${type}[${shape.join(",")}]`);
  const given = description?.inputs.map(({ name, datatype, shape }) => `${name} ${datatype}[${shape.join(",")}]`) ?? [];
  return `the model takes ${fewOf(takes)}${given.length === 0 ? "" : `; the primary, ${fewOf(given)}`}`;
}

/** A model may have hundreds of inputs. */
function fewOf(items: readonly string[]): string {
  const most = 20;
  return items.length <= most ? items.join(", ") : `${items.slice(0, most).join(", ")} and ${items.length - most} more`;
}

/** What is known of where the input comes from; undefined: it comes from nowhere. */
function sourceOf(input: Input, isOnly: boolean, mapping: InputMapping, features: readonly string[] | undefined, description: ModelDescription | undefined): Given | undefined {
  const unknown: Given = { width: undefined, text: undefined };
  const source = Object.hasOwn(mapping, input.name) ? mapping[input.name] : undefined;
  if (source !== undefined) return fromMapping(source, input, features, description);
  // A description without inputs tells nothing: some servers give one for models that say nothing of themselves.
  if (description === undefined || description.inputs.length === 0) return unknown;
  const named = description.inputs.find(({ name }) => name === input.name);
  if (named !== undefined) return givenBy(named);
  const [single] = description.inputs;
  const columns = description.inputs.length === 1 ? features : undefined;
  if (columns?.includes(input.name) === true) return { width: 1, text: isText(single as TensorDescription) };
  if (!isOnly) return undefined;
  if (features?.every((name) => description.inputs.some((described) => described.name === name)) === true) return { width: features.length, text: undefined };
  return description.inputs.length === 1 ? givenBy(single as TensorDescription) : undefined;
}

function fromMapping(source: InputSource, input: Input, features: readonly string[] | undefined, description: ModelDescription | undefined): Given | undefined {
  if (isConstant(source)) return { width: typeof input.shape[0] === "string" ? widthOfConstant(source) : undefined, text: isTextConstant(source) };
  const parts = typeof source === "string" ? [source] : source;
  const given = parts.map((part) => (isConstant(part) ? { width: widthOfConstant(part), text: isTextConstant(part) } : column(part, features, description)));
  if (!given.every((part) => part !== undefined)) return undefined;
  const text = new Set(given.map((part) => part.text));
  const widths = given.map((part) => part.width);
  return { width: widths.every((width) => width !== undefined) ? widths.reduce((sum, width) => sum + width, 0) : undefined, text: text.size === 1 ? given[0]?.text : undefined };
}

function column(name: string, features: readonly string[] | undefined, description: ModelDescription | undefined): Given | undefined {
  if (description === undefined || description.inputs.length === 0) return { width: undefined, text: undefined };
  const named = description.inputs.find((described) => described.name === name);
  if (named !== undefined) return givenBy(named);
  if (description.inputs.length === 1 && features?.includes(name) === true) return { width: 1, text: isText(description.inputs[0] as TensorDescription) };
  return undefined;
}

function givenBy(tensor: TensorDescription): Given {
  return { width: widthOf(tensor.shape.slice(1)), text: isText(tensor) };
}

function isText({ datatype }: TensorDescription): boolean {
  return datatype === "BYTES";
}

function widthOfConstant({ constant }: Constant): number {
  return [constant].flat().length;
}

function isTextConstant({ constant }: Constant): boolean {
  return [constant].flat().some((value) => typeof value === "string");
}

/** Values a row; undefined where a dimension varies. */
function widthOf(dimensions: readonly (number | string)[]): number | undefined {
  return dimensions.every((size) => typeof size === "number" && size > 0) ? (dimensions as readonly number[]).reduce((product, size) => product * size, 1) : undefined;
}
