/** Runs a detector over a stream of one value a line, and starts it anew after each alarm. */
import type { Running } from "./detectors.ts";
import { InputError, quoted } from "./input-error.ts";
import { readLines } from "./lines.ts";
import { fieldValue, finiteNumber } from "./number.ts";

/**
 * @param name of the stream, for messages. @param onAlarm hears the index of the value, from 0, at once.
 * @returns how many values there were.
 * Throws an InputError that names the line for what is no number, outside the detector's domain, or missing.
 */
export async function detect({ detector, stepValue }: Running, name: string, bytes: AsyncIterable<Uint8Array>, onAlarm: (index: number) => void): Promise<number> {
  let state = detector.start();
  let index = -1;
  let blank: number | undefined;
  for await (const lines of readLines(bytes)) {
    for (const line of lines) {
      index += 1;
      if (line.trim() === "") {
        blank ??= index;
        continue;
      }
      if (blank !== undefined) throw new InputError(`${name}: line ${blank + 1} is blank, and more values follow; leave it out`);
      const value = finiteNumber(line);
      if (value === undefined && stepValue === undefined) throw new InputError(`${name}: line ${index + 1}: expected a finite number, got ${quoted(line)}`);
      try {
        state = stepValue === undefined ? detector.step(state, value as number) : stepValue(state, fieldValue(line));
      } catch (error) {
        if (error instanceof RangeError) throw new InputError(`${name}: line ${index + 1}: ${error.message}`);
        throw error;
      }
      if (detector.read(state).verdict !== "drift") continue;
      onAlarm(index);
      state = detector.start();
    }
  }
  const values = blank ?? index + 1;
  if (values === 0) throw new InputError(`${name}: there is not a single value`);
  return values;
}
