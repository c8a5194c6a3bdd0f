/** The table of the control API: what each room brings to it. Nothing is done here; the OpenAPI document is made of it too. */
import { actualsRoutes, type ActualsDeps } from "./api/actuals.ts";
import { configRoutes, type ConfigDeps } from "./api/config.ts";
import { deliveryRoutes, type DeliveryDeps } from "./api/delivery.ts";
import { featureRoutes, type FeaturesDeps } from "./api/features.ts";
import { historyRoutes, type HistoryDeps } from "./api/history.ts";
import { documentRoute } from "./api/openapi.ts";
import { overrideRoutes, type OverrideRoutesDeps } from "./api/overrides.ts";
import { recentRoutes, type RecentDeps } from "./api/recent.ts";
import { recordingRoutes, type RecordingsRead } from "./api/recordings.ts";
import { referencesRoutes, type ReferencesDeps } from "./api/references.ts";
import { reviewRoutes, type ReviewRoutesDeps } from "./api/reviews.ts";
import { rolloutRoutes, type RolloutRoutesDeps } from "./api/rollout.ts";
import { retrainRoutes } from "./api/retrain.ts";
import type { Route } from "./api/route.ts";
import { samplesRoutes, type SamplesDeps } from "./api/samples.ts";
import { signalRoutes, type SignalRoutesDeps } from "./api/signals.ts";
import { stateRoutes, type StateDeps } from "./api/state.ts";
import type { RetrainControls } from "./retrain-view.ts";

export interface RoutesDeps extends ActualsDeps, ConfigDeps, DeliveryDeps, FeaturesDeps, HistoryDeps, RecentDeps, ReferencesDeps, RolloutRoutesDeps, SamplesDeps, SignalRoutesDeps, StateDeps {
  readonly version: string;
  readonly overrides: OverrideRoutesDeps;
  readonly reviews: ReviewRoutesDeps;
  readonly retrain: RetrainControls;
  readonly recordings: RecordingsRead;
}

export function routes(deps: RoutesDeps): readonly Route[] {
  const table = [
    ...stateRoutes(deps),
    ...signalRoutes(deps),
    ...historyRoutes(deps),
    ...recentRoutes(deps),
    ...featureRoutes(deps),
    ...overrideRoutes(deps.overrides),
    ...reviewRoutes(deps.reviews),
    ...rolloutRoutes(deps),
    ...deliveryRoutes(deps),
    ...retrainRoutes(deps.retrain),
    ...recordingRoutes(deps.recordings),
    ...actualsRoutes(deps),
    ...samplesRoutes(deps),
    ...referencesRoutes(deps),
    ...configRoutes(deps),
  ];
  return [...table, documentRoute(table, deps.version)];
}

/** The table with nothing behind it: its routes are read, for documents and for tests, and none is asked. */
export function bareRoutes(version: string): readonly Route[] {
  return routes({ version, referencesSizeMax: 0, overrides: {}, reviews: {}, rollouts: {}, retrain: {}, recordings: {} } as RoutesDeps);
}
