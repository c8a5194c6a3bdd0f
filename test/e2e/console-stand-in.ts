/**
 * The console's page before the API's own routes, with a stand-in for the room that keeps rollouts: each state of one can be shown
 * as it is, which a real rollout passes through when it likes.
 */
import { api } from "../../agent/api/api.ts";
import { consolePages } from "../../agent/api/console.ts";
import { apiOptions } from "../../agent/api/options.ts";
import { systemClock } from "../../agent/clock.ts";
import { silent } from "../../agent/log.ts";
import { routes, type RoutesDeps } from "../../agent/routes.ts";
import type { RolloutControls } from "../../agent/rollout-view.ts";
import type { Stage } from "./processes.ts";

const state = {
  version: "test", instance: "pod-7", model: { name: "employment", version: "1" }, server: { url: "http://127.0.0.1:8080" }, status: "healthy", rung: "primary", reason: "normal",
  since: "2026-01-01T00:00:00.000Z", cause: { detector: "none", code: "none", evidence: "" }, ladder: [], probes: {}, drift: [],
};

/** @returns where the page is. */
export async function consoleWith(stage: Stage, rollouts: RolloutControls): Promise<string> {
  const nothing = () => {};
  const behind = {
    clock: systemClock, version: "test", rollouts, referencesSizeMax: 1_024,
    state: () => state,
    stream: () => false,
    snapshot: () => ({}),
    events: async () => [],
    features: async () => undefined,
    recorded: () => ({ timesMs: new Float64Array(), series: [], events: [] }),
    reviews: { list: () => ({ reviews: [], next: undefined }) },
    overrides: { current: () => undefined },
    recordings: {},
  } as unknown as RoutesDeps;
  const open = { log: silent, ready: () => ({ ready: true, reasons: [] }), metrics: nothing, pages: consolePages(silent) };
  const running = await api(apiOptions.parse({ port: 0 }), { ...open, clock: systemClock, routes: routes(behind), audit: nothing, answered: nothing, dropped: nothing, connect: nothing }).start();
  stage.later(running.close);
  return `http://127.0.0.1:${running.address.port}/`;
}
