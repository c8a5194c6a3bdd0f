/** `/v1/recordings`: what was put on record around incidents. */
import * as z from "zod";
import { route, type Route } from "./route.ts";

/** What was put on record. Neither rejects. */
export interface RecordingsRead {
  /** Ids, latest first. */
  list(): Promise<readonly string[]>;
  /** The JSON of one; undefined where there is none of that id. */
  read(id: string): Promise<string | undefined>;
}

export interface RecordingsDeps {
  /** Undefined: nothing is ever put on record. */
  readonly recordings?: RecordingsRead | undefined;
}

export function recordingRoutes({ recordings }: RecordingsDeps): readonly Route[] {
  return [
    route({
      method: "GET",
      path: "/v1/recordings",
      name: "recordings.list",
      role: "read",
      summary: "What was put on record around incidents, latest first.",
      answers: { 200: { description: "Ids and where each is.", schema: z.object({ recordings: z.array(z.object({ id: z.string(), url: z.string() })) }) } },
      async handle() {
        const ids = (await recordings?.list()) ?? [];
        return { status: 200, body: { recordings: ids.map((id) => ({ id, url: `/v1/recordings/${id}` })) }, headers: { "cache-control": "no-store" } };
      },
    }),
    route({
      method: "GET",
      path: "/v1/recordings/{id}",
      name: "recordings.read",
      role: "read",
      summary: "The last 15 minutes before an incident and the minute after it, second by second.",
      answers: { 200: { description: "The recording." } },
      async handle({ params: { id = "" } }) {
        const text = await recordings?.read(id);
        if (text === undefined) return { status: 404, problem: `no recording ${id.slice(0, 200)}` };
        return { status: 200, type: "application/json", body: text, headers: { "content-disposition": `attachment; filename="${id}.json"` } };
      },
    }),
  ];
}
