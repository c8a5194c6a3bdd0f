/** The table of the control API: what each room brings to it. Nothing is done here; the OpenAPI document is made of it too. */
import { actualsRoutes, type ActualsDeps } from "./api/actuals.ts";
import { featureRoutes, type FeaturesDeps } from "./api/features.ts";
import { recentRoutes, type RecentDeps } from "./api/recent.ts";
import { recordingRoutes, type RecordingsDeps } from "./api/recordings.ts";
import type { Route } from "./api/route.ts";
import { stateRoutes, type StateDeps } from "./api/state.ts";

export type RoutesDeps = ActualsDeps & StateDeps & RecordingsDeps & {
  /** What the console looks at besides. */
  readonly looked?: FeaturesDeps & RecentDeps;
  /** Of a person's decisions. */
  readonly decided?: readonly Route[];
};

export function routes(deps: RoutesDeps): readonly Route[] {
  return [...stateRoutes(deps), ...actualsRoutes(deps), ...recordingRoutes(deps), ...(deps.looked === undefined ? [] : [...featureRoutes(deps.looked), ...recentRoutes(deps.looked)]), ...(deps.decided ?? [])];
}
