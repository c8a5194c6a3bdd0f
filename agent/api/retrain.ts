/** `/v1/retrain`: requests to train the model anew, what a window would carry now, and a person's own request. */
import * as z from "zod";
import { retrainStates, type RetrainControls, type RetrainRequest, type RetrainView } from "../retrain-view.ts";
import { route, type Route } from "./route.ts";

const time = z.iso.datetime();
const shown = z.object({
  id: z.uuid(),
  model: z.string(),
  at: time,
  by: z.string(),
  reason: z.string().nullable(),
  streams: z.array(z.object({ stream: z.string(), detector: z.string(), since: time, culprits: z.array(z.string()) })),
  state: z.enum(retrainStates),
  window: z.object({ location: z.string(), manifest: z.string(), format: z.string(), rows: z.int(), actuals: z.int(), from: time, to: time, versions: z.array(z.string()), reference: z.string().nullable().describe("Digest of the one in force; null where it was learnt."), bytes: z.int(), sha256: z.string() }).nullable(),
  problem: z.string().nullable().describe("Why there is no window with it."),
  deliveries: z.array(z.object({ target: z.string(), state: z.string(), attempts: z.int(), detail: z.string() })),
});

const view = z.object({
  enabled: z.boolean(),
  waits: z.string().nullable().describe("Why nothing is asked for now; null while a request is under way."),
  window: z
    .object({ rows: z.int(), actuals: z.int(), bytes: z.int(), from: time.nullable(), to: time.nullable(), let_go: z.int(), contradicted: z.int() })
    .nullable()
    .describe("What a window would carry now; null where that is not known."),
  requests: z.array(shown).describe("The latest last, at most 20."),
});

const asked = z.strictObject({ reason: z.string().trim().min(1).max(500).optional() });

export function retrainRoutes(retrain: RetrainControls): readonly Route[] {
  return [
    route({
      method: "GET",
      path: "/v1/retrain",
      name: "retrain.read",
      role: "read",
      summary: "Requests to train the model anew, and what a window would carry now.",
      answers: { 200: { description: "As it stands.", schema: view } },
      handle: async () => ({ status: 200, body: viewShown(await retrain.view()) }),
    }),
    route({
      method: "POST",
      path: "/v1/retrain",
      name: "retrain.request",
      role: "act",
      summary: "Ask for a model trained anew, whatever the alarms say: its window is written and the targets are told.",
      body: asked,
      answers: { 202: { description: "It is under way.", schema: shown } },
      handle({ principal, body: { reason } }) {
        const done = retrain.request(principal, reason);
        const why = reason === undefined ? {} : { reason };
        return done.ok ? { status: 202, body: requestShown(done.request), audit: { subject: done.request.id, ...why } } : { status: 409, problem: done.detail, audit: why };
      },
    }),
  ];
}

function viewShown({ enabled, waits, window, requests }: RetrainView): z.infer<typeof view> {
  return {
    enabled,
    waits: waits ?? null,
    window: window === undefined ? null : { rows: window.rows, actuals: window.actuals, bytes: window.bytes, from: window.fromWallMs === undefined ? null : iso(window.fromWallMs), to: window.toWallMs === undefined ? null : iso(window.toWallMs), let_go: window.letGo, contradicted: window.contradicted },
    requests: requests.map(requestShown),
  };
}

function requestShown({ id, model, atWallMs, who, why, state, window, problem, deliveries }: RetrainRequest): z.infer<typeof shown> {
  return {
    id, model, at: iso(atWallMs), by: who, reason: why.reason ?? null, state, problem: problem ?? null,
    streams: why.streams.map(({ stream, detector, sinceWallMs, culprits }) => ({ stream, detector, since: iso(sinceWallMs), culprits: [...culprits] })),
    window: window === undefined ? null : { location: window.location, manifest: window.manifest, format: window.format, rows: window.rows, actuals: window.actuals, from: iso(window.fromWallMs), to: iso(window.toWallMs), versions: [...window.versions], reference: window.reference ?? null, bytes: window.bytes, sha256: window.sha256 },
    deliveries: deliveries.map((delivery) => ({ ...delivery })),
  };
}

function iso(wallMs: number): string {
  return new Date(wallMs).toISOString();
}
