/**
 * Where a person's decisions come in: what the routes of overrides are handed, whichever swim serves, and what an override in
 * force leaves in the series.
 */
import { instruments } from "../exporters/instruments.ts";
import type { Meter } from "../exporters/meter.ts";
import { overrideRoutes } from "./api/overrides.ts";
import type { Route } from "./api/route.ts";
import { overrideActions, type Override } from "./override.ts";
import type { Swim } from "./swim.ts";

export interface Decisions {
  readonly routes: readonly Route[];
  readonly overridden: (override: Override | undefined) => void;
}

/** @param swim undefined until it has begun. */
export function decisions(swim: () => Swim | undefined, meter: Meter): Decisions {
  const until = meter.gauge(instruments.overrideUntil, {});
  return {
    routes: overrideRoutes({
      current: () => swim()?.failover.override(),
      decide: (asked, principal) => swim()?.failover.decide(asked, principal) ?? { ok: false, detail: "the sidecar is starting; try again" },
      release: (principal, reason) => swim()?.failover.release(principal, reason),
    }),
    overridden(override) {
      for (const action of overrideActions) meter.gauge(instruments.overrideActive, { action }).set(action === override?.action ? 1 : 0);
      if (override === undefined) until.remove();
      else until.set(override.untilWallMs / 1_000);
    },
  };
}
