/**
 * Is an answer the known one? Takes the tensors of an Open Inference Protocol answer (`outputs`) or of a KServe v1 one
 * (`predictions`, taken as an output of that name) and compares them with what is expected, value by value.
 */
export type Value = number | string | boolean;
/** By the output's name; values in row-major order. */
export type KnownAnswer = Readonly<Record<string, readonly Value[]>>;

export type Comparison =
  | { readonly equal: true }
  /** `invalid`: this is no answer that can be read; `mismatch`: it is one, but not the known one. */
  | { readonly equal: false; readonly reason: "invalid" | "mismatch"; readonly detail: string };

/**
 * @param tolerance numbers may differ by this much, relative to the expected value but at least absolutely: |a-b| <= tolerance * max(1, |b|).
 * Costs time and memory in proportion to the answer.
 */
export function compareAnswer(body: Uint8Array, known: KnownAnswer, tolerance: number): Comparison {
  const outputs = readOutputs(body);
  if (typeof outputs === "string") return { equal: false, reason: "invalid", detail: outputs };
  for (const [name, expected] of Object.entries(known)) {
    const output = outputs.get(name);
    const difference =
      output === undefined ? `the answer has no output "${name}", only ${[...outputs.keys()].join(", ") || "none"}` : differenceOf(name, output, expected, tolerance);
    if (difference !== undefined) return { equal: false, reason: "mismatch", detail: difference };
  }
  return { equal: true };
}

interface Output {
  readonly shape: readonly number[] | undefined;
  readonly data: readonly unknown[];
}

/** The outputs by name, or why there are none. */
function readOutputs(body: Uint8Array): Map<string, Output> | string {
  let answer: unknown;
  try {
    answer = JSON.parse(new TextDecoder().decode(body));
  } catch (error) {
    return `the answer is no JSON: ${String(error)}`;
  }
  if (!isRecord(answer)) return "the answer is no JSON object";
  const outputs = new Map<string, Output>();
  if (Array.isArray(answer["outputs"])) {
    for (const output of answer["outputs"] as unknown[]) {
      if (!isRecord(output) || typeof output["name"] !== "string" || !Array.isArray(output["data"])) return "an output has no name or no data";
      const shape = output["shape"];
      outputs.set(output["name"], { shape: Array.isArray(shape) ? shape.map(Number) : undefined, data: flat(output["data"]) });
    }
    return outputs;
  }
  if (!Array.isArray(answer["predictions"])) return "the answer has neither outputs nor predictions";
  return outputs.set("predictions", { shape: undefined, data: flat(answer["predictions"]) });
}

function flat(data: readonly unknown[]): readonly unknown[] {
  return data.flat(Infinity);
}

function differenceOf(name: string, { shape, data }: Output, expected: readonly Value[], tolerance: number): string | undefined {
  const size = shape?.reduce((product, length) => product * length, 1);
  if (size !== undefined && size !== data.length) return `${name}: shape [${shape?.join(",")}] holds ${size} values, its data ${data.length}`;
  if (data.length !== expected.length) return `${name}: expected ${expected.length} values, got ${data.length}`;
  for (const [index, wanted] of expected.entries()) {
    const got = data[index];
    if (typeof wanted === "number" && typeof got === "number") {
      const differs = Math.abs(got - wanted);
      if (!(differs <= tolerance * Math.max(1, Math.abs(wanted)))) return `${name}[${index}]: expected ${wanted}, got ${got}: differs by ${differs.toPrecision(3)}`;
    } else if (got !== wanted) {
      return `${name}[${index}]: expected ${JSON.stringify(wanted)}, got ${JSON.stringify(got)}`;
    }
  }
  return undefined;
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
