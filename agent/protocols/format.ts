/** What the protocols' answers have in common. */
import type { FormattedBody, Tensor } from "./protocol.ts";

/** A body in JSON. */
export function jsonBody(value: unknown): FormattedBody {
  return { headers: { "content-type": "application/json" }, body: Buffer.from(JSON.stringify(value)) };
}

/** Throws a RangeError where a tensor holds what JSON can not carry. */
export function mustBeFinite(outputs: readonly Tensor[]): void {
  for (const { name, values } of outputs) {
    const bad = values.find((value) => typeof value === "number" && !Number.isFinite(value));
    if (bad !== undefined) throw new RangeError(`output ${name} holds ${bad}, which JSON can not carry`);
  }
}
