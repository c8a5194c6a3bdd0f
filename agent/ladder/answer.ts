/** What the rungs' answers have in common. */
import type { RungAnswer } from "../backend.ts";

export function answerWith(body: string | Uint8Array, version: string | undefined): RungAnswer {
  const bytes = typeof body === "string" ? Buffer.from(body) : Buffer.from(body.buffer, body.byteOffset, body.byteLength);
  return { outcome: "ok", status: 200, headers: { "content-type": "application/json" }, body: bytes, version };
}
