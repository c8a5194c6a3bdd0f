/**
 * Where a person's decisions come in: overrides of the route, and the reviews that wait for one. What the API's routes are handed,
 * whichever swim serves; what leaves as series and as pages; and what other rooms ask when a decision is to be taken.
 */
import { instruments } from "../exporters/instruments.ts";
import type { Meter } from "../exporters/meter.ts";
import type { ApprovalSignal, Target } from "../exporters/signal.ts";
import type { OverrideRoutesDeps } from "./api/overrides.ts";
import type { ReviewRoutesDeps } from "./api/reviews.ts";
import type { Audit } from "./audit.ts";
import type { Clock } from "./clock.ts";
import type { Config } from "./config/config.ts";
import type { Close } from "./lifecycle.ts";
import type { Log } from "./log.ts";
import type { Observe } from "./observation.ts";
import { overrideActions, type Override } from "./override.ts";
import type { Review } from "./review.ts";
import { modeOnDrift } from "./reviews/options.ts";
import { reviews, type Pending, type Reviews } from "./reviews/reviews.ts";
import type { SavedReviews } from "./reviews/saved.ts";
import type { Swim, SwimDeps } from "./swim.ts";

export interface DecisionsDeps {
  readonly clock: Clock;
  readonly log: Log;
  readonly meter: Meter;
  readonly audit: Audit;
  /** In force now. */
  readonly config: () => Config;
  /** undefined until it has begun. */
  readonly swim: () => Swim | undefined;
  readonly observe: Observe;
  readonly dropped: (what: string, count: number) => void;
  readonly page: (approval: ApprovalSignal) => void;
  readonly save: (state: SavedReviews) => void;
  readonly saved: unknown;
}

export interface Decisions {
  readonly overrides: OverrideRoutesDeps;
  readonly reviews: ReviewRoutesDeps;
  readonly overridden: (override: Override | undefined) => void;
  readonly review: Reviews["unsure"];
  /** For whoever is about to do what the config may leave to a person. */
  readonly decide: Reviews["decide"];
  /** The same of a failover on drift. */
  readonly onDrift: NonNullable<SwimDeps["decide"]>;
  start(): Close;
}

export function decisions(deps: DecisionsDeps): Decisions {
  const { clock, log, meter, audit, swim } = deps;
  const until = meter.gauge(instruments.overrideUntil, {});
  const open = reviews({
    clock, audit,
    rule(decision) {
      const { decisions: rules, failover } = deps.config();
      return { ...rules[decision], mode: decision === "failoverOnDrift" ? modeOnDrift(rules, failover.onDrift) : rules[decision].mode };
    },
    observe: deps.observe,
    save: deps.save,
    saved: deps.saved,
    dropped: (count) => deps.dropped("review", count),
    page(review) {
      const target = swim()?.failover.current().target;
      log.warn({ id: review.id, state: review.state, decision: review.decision, evidence: review.evidence }, review.state === "open" ? `a decision waits for a person: ${review.question}` : `a decision was taken: ${review.question}`);
      const approval = target && approvalOf(review, target, clock.wallMs());
      if (approval !== undefined) deps.page(approval);
    },
    counted: (kind, state) => meter.counter(instruments.reviews, { kind, state }).add(),
    waiting: (kind, count) => meter.gauge(instruments.reviewsOpen, { kind }).set(count),
  });

  return {
    overrides: {
      current: () => swim()?.failover.override(),
      decide: (asked, principal) => swim()?.failover.decide(asked, principal) ?? { ok: false, detail: "the sidecar is starting; try again" },
      release: (principal, reason) => swim()?.failover.release(principal, reason),
    },
    reviews: open,
    overridden(override) {
      for (const action of overrideActions) meter.gauge(instruments.overrideActive, { action }).set(action === override?.action ? 1 : 0);
      if (override === undefined) until.remove();
      else until.set(override.untilWallMs / 1_000);
    },
    review: open.unsure,
    decide: open.decide,
    onDrift: (asked): Pending => open.decide("failoverOnDrift", asked),
    start: open.start,
  };
}

function approvalOf({ state, decision, question, evidence, default: fallback, deadlineWallMs, ended, atWallMs }: Review, target: Target, nowWallMs: number): ApprovalSignal | undefined {
  if (decision === undefined || fallback === undefined || deadlineWallMs === undefined) return undefined;
  return { type: "approval", target, status: state === "open" ? "firing" : "resolved", decision, question, evidence, default: fallback, deadlineWallMs, atWallMs: state === "open" ? atWallMs : (ended?.atWallMs ?? nowWallMs) };
}
