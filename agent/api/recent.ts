/**
 * `/v1/recent`: the last 15 minutes second by second, from the flight recorder's memory. Who looks for a while asks for what is
 * newer than what it has, so that a second costs a few numbers.
 */
import * as z from "zod";
import type { Recorded } from "../../exporters/flight-recorder.ts";
import { instruments } from "../../exporters/instruments.ts";
import type { Clock } from "../clock.ts";
import { route, type Route } from "./route.ts";

export interface RecentDeps {
  readonly recorded: () => Recorded;
  readonly clock: Clock;
}

/** What one glance needs, where no names are given. */
const glance = [
  instruments.requestDuration, instruments.requests, instruments.activeRequests, instruments.failoverState, instruments.activeRung,
  instruments.cpuTime, instruments.memoryWorkingSet, instruments.processCpuTime, instruments.processMemory,
  instruments.gpuUtilization, instruments.gpuMemoryUsage, instruments.gpuTemperature,
].map(({ name }) => name as string);

/** Series of one answer at most: with all seconds about half a megabyte. */
const seriesMax = 96;

const query = z.strictObject({
  since: z.string().regex(/^\d{1,15}(\.\d{1,9})?$/, "expected Unix milliseconds").transform(Number).optional().default(0),
  names: z.string().max(2_000).transform((text) => text.split(",")).default(glance),
});

const answer = z.object({
  now: z.number(),
  times: z.array(z.number()),
  series: z.array(z.object({ name: z.string(), labels: z.record(z.string(), z.string()), unit: z.string(), values: z.array(z.number().nullable()) })),
  left_out: z.int(),
  events: z.array(z.object({ at: z.number(), what: z.string(), text: z.string() })),
});

export function recentRoutes({ recorded, clock }: RecentDeps): readonly Route[] {
  return [
    route({
      method: "GET",
      path: "/v1/recent",
      name: "recent.read",
      role: "read",
      summary: "Series of the last 15 minutes, second by second, newer than `since` (Unix milliseconds), of the instruments in `names` (with commas between).",
      query,
      answers: { 200: { description: "Columns over `times`; null where a series was not there.", schema: answer } },
      handle({ query: { since, names } }) {
        const { timesMs, series, events } = recorded();
        const first = timesMs.findLastIndex((time) => time <= since) + 1;
        const wanted = new Set(names);
        // A series that was silent throughout says nothing.
        const heard = series.filter(({ name, values }) => wanted.has(name) && values.subarray(first).some((value) => !Number.isNaN(value)));
        const body: z.infer<typeof answer> = {
          now: clock.wallMs(),
          times: Array.from(timesMs.subarray(first)),
          series: heard.slice(0, seriesMax).map(({ name, labels, unit, values }) => ({ name, labels: { ...labels }, unit, values: Array.from(values.subarray(first), shown) })),
          left_out: Math.max(0, heard.length - seriesMax),
          events: events.filter(({ atWallMs }) => atWallMs > since).map(({ atWallMs, what, text }) => ({ at: atWallMs, what, text })),
        };
        return { status: 200, body };
      },
    }),
  ];
}

/** Six digits behind the point are a microsecond, and a fraction of the text that a single-precision number would print. */
function shown(value: number): number | null {
  if (!Number.isFinite(value)) return null;
  return Math.abs(value) < 1e6 ? Math.round(value * 1e6) / 1e6 : Math.round(value);
}
