/** The demo's own ear on the signals: notes when each frame came and when it was decided. */
import { WebSocket } from "ws";
import * as z from "zod";
import type { Clock } from "../../clock.ts";

const frame = z.object({
  kind: z.string(),
  body: z.object({
    to: z.string().optional(),
    rung: z.string().optional(),
    status: z.string().optional(),
    stream: z.string().optional(),
    at: z.string().optional(),
    message: z.string().optional(),
    cause: z.object({ detector: z.string(), code: z.string(), evidence: z.string() }).optional(),
    culprits: z.array(z.object({ name: z.string(), share: z.number() })).optional(),
  }),
});

export interface Heard {
  readonly kind: string;
  /** When it came, monotonic. */
  readonly atMs: number;
  /** From the decision to its arrival, by the wall clock that both ends share here. */
  readonly delayMs: number | undefined;
  readonly body: z.infer<typeof frame>["body"];
}

export async function listen(url: string, clock: Clock) {
  const socket = new WebSocket(url, "pilotfish.v1+json", { perMessageDeflate: false, maxPayload: 65_536 });
  const heard: Heard[] = [];
  socket.on("message", (data) => {
    const parsed = frame.safeParse(JSON.parse((data as Buffer).toString("utf8")));
    if (!parsed.success || parsed.data.kind === "heartbeat") return;
    const { kind, body } = parsed.data;
    heard.push({ kind, atMs: clock.monotonicMs(), delayMs: body.at === undefined ? undefined : clock.wallMs() - Date.parse(body.at), body });
  });
  await new Promise<void>((resolve, reject) => {
    socket.once("open", () => resolve());
    socket.once("error", reject);
  });
  socket.on("error", () => {});
  return {
    heard: heard as readonly Heard[],
    close: () => socket.terminate(),
  };
}
