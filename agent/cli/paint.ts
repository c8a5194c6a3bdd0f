/** Colours where a person looks at them: on a terminal, and not where NO_COLOR is set (no-color.org). */
import type { World } from "./world.ts";

const codes = { bold: 1, dim: 2, red: 31, green: 32, yellow: 33, cyan: 36 } as const;
export type Colour = keyof typeof codes;
export type Paint = (colour: Colour, text: string) => string;

export function paintFor({ interactive, env }: Pick<World, "interactive" | "env">): Paint {
  const isOn = interactive && (env["NO_COLOR"] ?? "") === "" && env["TERM"] !== "dumb";
  return isOn ? (colour, text) => `\u001b[${codes[colour]}m${text}\u001b[0m` : (_, text) => text;
}

/** Text that others wrote, on one line and without anything that a terminal would obey. */
export function harmless(text: string): string {
  return text.replaceAll(/[\p{Cc}\p{Cf}\u2028\u2029]+/gu, " ");
}

const statusColours: Readonly<Record<string, Colour>> = { healthy: "green", degraded: "yellow", suspect: "yellow", probation: "yellow", unknown: "yellow", draining: "yellow", isolated: "red", failed: "red" };

export function statusColour(status: string): Colour {
  return statusColours[status] ?? "yellow";
}
