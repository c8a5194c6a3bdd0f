/**
 * Units as people write them in a config: "250ms", "5s", "2m", "1h", "30d"; "64KiB", "16MiB"; "1 per 30d". Inside, they
 * are milliseconds and bytes. A bare number is refused, because nobody can see its unit.
 */
import * as z from "zod";

const millisecondsPer = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 } as const;
const bytesPer = { B: 1, KiB: 1_024, MiB: 1_048_576, GiB: 1_073_741_824 } as const;

/** "5s" to 5000; undefined where it is no duration. */
export function parseDurationMs(text: string): number | undefined {
  const match = /^(\d+(?:\.\d+)?)\s*(ms|s|m|h|d)$/.exec(text.trim());
  return match === null ? undefined : Number(match[1]) * millisecondsPer[match[2] as keyof typeof millisecondsPer];
}

/** "16MiB" to 16777216; undefined where it is no size. */
export function parseBytes(text: string): number | undefined {
  const match = /^(\d+(?:\.\d+)?)\s*(B|KiB|MiB|GiB)$/.exec(text.trim());
  return match === null ? undefined : Math.round(Number(match[1]) * bytesPer[match[2] as keyof typeof bytesPer]);
}

/** How many false alarms are acceptable: so many in a span of time, or in a number of samples. */
export type FalseAlarmBudget =
  | { readonly alarms: number; readonly perMs: number }
  | { readonly alarms: number; readonly perSamples: number };

/** "1 per 30d" or "1 per 1e6 samples"; undefined where it is neither. */
export function parseFalseAlarmBudget(text: string): FalseAlarmBudget | undefined {
  const match = /^(\d+(?:\.\d+)?)\s+per\s+(.+)$/.exec(text.trim());
  if (match === null) return undefined;
  const alarms = Number(match[1]);
  if (!(alarms > 0)) return undefined;
  const samples = /^(\d+(?:\.\d+)?(?:e\d+)?)\s+samples?$/.exec(match[2] as string);
  if (samples !== null) {
    const perSamples = Number(samples[1]);
    return perSamples >= 100 * alarms ? { alarms, perSamples } : undefined;
  }
  const perMs = parseDurationMs(match[2] as string);
  return perMs === undefined || perMs <= 0 ? undefined : { alarms, perMs };
}

/** So many times in a span of time. */
export interface TimesPer {
  readonly times: number;
  readonly perMs: number;
}

/** "1 per 7d"; undefined where it is no whole number of times in a duration. */
export function parseTimesPer(text: string): TimesPer | undefined {
  const [, times, per] = /^(\d{1,6})\s+per\s+(.+)$/.exec(text.trim()) ?? [];
  const perMs = per === undefined ? undefined : parseDurationMs(per);
  return perMs === undefined || perMs <= 0 || Number(times) === 0 ? undefined : { times: Number(times), perMs };
}

/** A number is taken only to be refused in words; a schema for others says that it is a text. */
function parsed<T>(parse: (text: string) => T | undefined, expected: string) {
  return z.union([z.string(), z.number()], { error: `expected ${expected}` }).meta({ type: "string", description: `Expected: ${expected}.` }).transform((value, context): T => {
    const result = typeof value === "string" ? parse(value) : undefined;
    if (result !== undefined) return result;
    context.addIssue({ code: "custom", message: `expected ${expected}, got ${JSON.stringify(value)}` });
    return z.NEVER;
  });
}

/** A duration in a config, as milliseconds. */
export const duration = (minMs: number = 1) =>
  parsed((text) => {
    const ms = parseDurationMs(text);
    return ms !== undefined && ms >= minMs ? ms : undefined;
  }, `a duration of at least ${minMs}ms with its unit (ms, s, m, h or d), such as "500ms" or "5s"`);

/** A size in a config, as bytes. */
export const bytes = () => parsed(parseBytes, 'a size with its unit (B, KiB, MiB or GiB), such as "64KiB"');

/** A budget of false alarms in a config. */
export const falseAlarmBudget = () =>
  parsed(parseFalseAlarmBudget, 'a budget of false alarms such as "1 per 30d" or "1 per 1e6 samples" (at least 100 samples an alarm)');

/** How often something may be done, in a config. */
export const timesPer = () => parsed(parseTimesPer, 'so many times in a duration, such as "1 per 7d"');
