/** Classes however they are written, so that a prediction can be held against what came true. */
import type { Value } from "../../detectors/reference/reference.ts";

/** A class as it is compared: true, "true", "1" and 1 are one; undefined where there is none. */
export type PlainClass = number | string | undefined;

/** Do a prediction and an actual name the same class, however it is written? */
export function isSameClass(prediction: Value, actual: Value): boolean {
  return plainClass(prediction) === plainClass(actual);
}

/** A number that is written as text is that number; true is 1 and false is 0. */
export function plainClass(value: Value): PlainClass {
  if (typeof value === "boolean") return Number(value);
  if (typeof value === "number") return Number.isFinite(value) ? value : undefined;
  if (typeof value !== "string" || value === "") return undefined;
  if (value === "true") return 1;
  if (value === "false") return 0;
  const number = Number(value);
  return value.trim() === "" || Number.isNaN(number) ? value : number;
}
