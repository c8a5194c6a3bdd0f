/** Inferences that others saw, as CloudEvents; what they say is the intake's to read. */
import type { IncomingHttpHeaders } from "node:http";
import * as z from "zod";
import { mediaTypeOf } from "./media.ts";
import type { Mistake } from "./problem.ts";
import { route, type Route } from "./route.ts";

export interface SamplesDeps {
  readonly samples: (
    mediaType: string,
    headers: IncomingHttpHeaders,
    body: Uint8Array,
  ) => { readonly ok: true; readonly accepted: number; readonly ignored: number } | { readonly ok: false; readonly mistakes: readonly Mistake[] };
}

/** `application/json` and bytes are events in binary mode. */
const types = ["application/cloudevents+json", "application/cloudevents-batch+json", "application/json", "application/octet-stream"];

const example = {
  specversion: "1.0",
  id: "3f2d1c",
  source: "http://localhost:9081/",
  type: "org.kubeflow.serving.inference.request",
  time: "2026-01-01T00:00:00Z",
  inferenceservicename: "employment",
  namespace: "default",
  data: { inputs: [{ name: "age", datatype: "FP32", shape: [1], data: [41] }] },
};

export function samplesRoutes({ samples }: SamplesDeps): readonly Route[] {
  return [
    route({
      method: "POST",
      path: "/v1/samples",
      name: "samples.post",
      role: "act",
      summary: "Requests and answers of inferences as CloudEvents of KServe's and Seldon's payload loggers: structured, batched or binary. A request and an answer of one id make a sample.",
      takes: types,
      body: z.instanceof(Buffer),
      audits: "refusals",
      examples: { body: example, answer: { accepted: 1, ignored: 0 } },
      answers: { 202: { description: "Taken; `ignored` are events of other kinds.", schema: z.object({ accepted: z.int(), ignored: z.int() }) } },
      handle({ headers, body }) {
        const taken = samples(mediaTypeOf(headers["content-type"]), headers, body);
        if (!taken.ok) return { status: 400, problem: "nothing was taken: the events have mistakes", errors: taken.mistakes };
        return { status: 202, body: { accepted: taken.accepted, ignored: taken.ignored } };
      },
    }),
  ];
}
