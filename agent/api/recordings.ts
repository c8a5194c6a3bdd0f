/** What was put on record of incidents: a list, latest first, and each as it was written. */
import * as z from "zod";
import { recordingDocument, recordingTold } from "../../exporters/recording.ts";
import { route, type Route } from "./route.ts";

/** Neither rejects. */
export interface RecordingsRead {
  /** Ids, latest first. */
  list(): Promise<readonly string[]>;
  /** The JSON of one, up to 2 MB; undefined where there is none of that id. */
  read(id: string): Promise<string | undefined>;
}

const recordingList = z.object({
  recordings: z.array(z.object({ id: z.string(), at: z.string().describe("When it paged."), page: z.string().describe("The alert's name."), url: z.string() })),
});

export function recordingRoutes(recordings: RecordingsRead): readonly Route[] {
  return [
    route({
      method: "GET",
      path: "/v1/recordings",
      name: "recordings.list",
      role: "read",
      summary: "The recordings of incidents, latest first. Empty where nothing has paged, or store.path is not set.",
      answers: { 200: { description: "Which there are.", schema: recordingList } },
      async handle() {
        const ids = await recordings.list();
        return { status: 200, headers: { "cache-control": "no-store" }, body: { recordings: ids.map((id) => ({ id, ...recordingTold(id), url: `/v1/recordings/${id}` })) } };
      },
    }),
    route({
      method: "GET",
      path: "/v1/recordings/{id}",
      name: "recordings.get",
      role: "read",
      summary: "One recording: 15 minutes before the page and one after it, second by second.",
      answers: { 200: { description: "The recording, as it was written.", schema: recordingDocument } },
      async handle({ params: { id = "" } }) {
        const text = await recordings.read(id);
        if (text === undefined) return { status: 404, problem: `no recording ${id.slice(0, 200)}` };
        return { status: 200, type: "application/json", headers: { "content-disposition": `attachment; filename="${id}.json"` }, body: text };
      },
    }),
  ];
}
