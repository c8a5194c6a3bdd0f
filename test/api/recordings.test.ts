/** The recordings as a client of the control API gets them. */
import { expect, test } from "vitest";
import type { RecordingsRead } from "../../agent/api/recordings.ts";
import { stage } from "./stage.ts";

const id = "20260101T120000Z-PilotfishFailover";
const scene = stage();

async function open(recordings: RecordingsRead): Promise<(path: string, method?: string) => Promise<Response>> {
  const { port } = await scene.open({}, { recordings });
  return (path, method = "GET") => fetch(`http://127.0.0.1:${port}${path}`, { method });
}

test("the list says of each when what paged, and where to get it", async () => {
  const get = await open({ list: async () => [id], read: async () => undefined });
  expect(await (await get("/v1/recordings")).json()).toEqual({
    recordings: [{ id, at: "2026-01-01T12:00:00Z", page: "PilotfishFailover", url: `/v1/recordings/${id}` }],
  });
});

test("one comes as it was written, to be saved under its name; none of that id is a 404", async () => {
  const get = await open({ list: async () => [id], read: async (asked) => (asked === id ? '{"id":1}\n' : undefined) });
  const one = await get(`/v1/recordings/${id}`);
  expect([one.status, one.headers.get("content-type"), one.headers.get("content-disposition"), await one.text()]).toEqual([
    200, expect.stringMatching(/^application\/json/) as string, `attachment; filename="${id}.json"`, '{"id":1}\n',
  ]);
  for (const path of ["/v1/recordings/other", "/v1/recordings/..%2fstate.db"]) {
    const missing = await get(path);
    expect([missing.status, missing.headers.get("content-type")]).toEqual([404, expect.stringContaining("application/problem+json") as string]);
  }
});

test("they can only be read", async () => {
  const get = await open({ list: async () => [], read: async () => undefined });
  for (const path of ["/v1/recordings", `/v1/recordings/${id}`]) {
    const refused = await get(path, "DELETE");
    expect([refused.status, refused.headers.get("allow")]).toEqual([405, "GET, HEAD"]);
  }
});
