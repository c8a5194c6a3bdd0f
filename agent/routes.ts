/** The table of the control API: what each room brings to it. Nothing is done here; the OpenAPI document is made of it too. */
import { actualsRoutes, type ActualsDeps } from "./api/actuals.ts";
import { recordingRoutes, type RecordingsDeps } from "./api/recordings.ts";
import type { Route } from "./api/route.ts";
import { stateRoutes, type StateDeps } from "./api/state.ts";

export type RoutesDeps = ActualsDeps & StateDeps & RecordingsDeps & {
  /** Of a person's decisions. */
  readonly decided?: readonly Route[];
};

export function routes(deps: RoutesDeps): readonly Route[] {
  return [...stateRoutes(deps), ...actualsRoutes(deps), ...recordingRoutes(deps), ...(deps.decided ?? [])];
}
