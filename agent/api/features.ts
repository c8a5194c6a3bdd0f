/** `/v1/features`: what moved, how far and why, with the histograms that are asked for; of the analysis thread, when it has time. */
import * as z from "zod";
import { histogramsMax, type FeaturesQuestion, type FeaturesView, type FeatureView } from "../feature-view.ts";
import { route, type Answer, type Route } from "./route.ts";

export interface FeaturesDeps {
  /** Undefined where it can not be told now. */
  readonly features: (question: FeaturesQuestion) => Promise<FeaturesView | undefined>;
}

const name = z.string().min(1).max(1_000);
const listQuery = z.strictObject({
  /** Once for each feature whose histogram is wanted. */
  histogram: z.preprocess((value) => (typeof value === "string" ? [value] : value), z.array(name).max(histogramsMax)).default([]),
});

const cell = z.object({ name: z.string(), low: z.number().optional(), high: z.number().optional(), reference: z.number(), now: z.number() });
const feature = z.object({
  name: z.string(),
  kind: z.enum(["numeric", "categorical"]),
  evidence: z.number(),
  share: z.number(),
  psi: z.number().nullable(),
  jensen_shannon: z.number().nullable(),
  violations: z.record(z.string(), z.number()),
  cause: z.string().nullable(),
  change: z.string(),
  histogram: z.object({ reference_rows: z.number(), window_rows: z.number(), cells: z.array(cell) }).optional(),
});
const list = z.object({
  model: z.string(),
  status: z.enum(["watching", "learning", "off"]),
  evidence: z.number().nullable(),
  threshold: z.number().nullable(),
  window: z.number(),
  features: z.array(feature),
});

const unanswered: Answer = { status: 503, problem: "the analysis has no answer now: it is starting, or has more to do than it can; ask again", headers: { "retry-after": "2" } };

export function featureRoutes({ features }: FeaturesDeps): readonly Route[] {
  return [
    route({
      method: "GET",
      path: "/v1/features",
      name: "features.list",
      role: "read",
      summary: "The model's features, most evidence of drift first; with `histogram=NAME`, once or more, the reference's counts and the window's.",
      query: listQuery,
      answers: { 200: { description: "What moved and why.", schema: list } },
      async handle({ query: { histogram } }) {
        const view = await features({ histograms: histogram });
        if (view === undefined) return unanswered;
        const { model, status, evidence, threshold, window } = view;
        return { status: 200, body: { model, status, evidence: finite(evidence), threshold: finite(threshold), window, features: view.features.map(shown) } };
      },
    }),
    route({
      method: "GET",
      path: "/v1/features/{name}",
      name: "features.read",
      role: "read",
      summary: "One feature, with the reference's counts and the window's.",
      answers: { 200: { description: "The feature.", schema: feature } },
      async handle({ params }) {
        const asked = params["name"] as string;
        const view = await features({ histograms: [asked] });
        if (view === undefined) return unanswered;
        const found = view.features.find((one) => one.name === asked);
        return found === undefined ? { status: 404, problem: `no feature ${asked}` } : { status: 200, body: shown(found) };
      },
    }),
  ];
}

function shown({ jensenShannon, histogram, psi, evidence, cause, ...rest }: FeatureView): z.infer<typeof feature> {
  return {
    ...rest,
    evidence: finite(evidence) ?? 0,
    psi: finite(psi),
    jensen_shannon: finite(jensenShannon),
    cause: cause ?? null,
    ...(histogram !== undefined && { histogram: { reference_rows: histogram.referenceRows, window_rows: histogram.windowRows, cells: [...histogram.cells] } }),
  };
}

function finite(value: number | undefined): number | null {
  return value !== undefined && Number.isFinite(value) ? value : null;
}
