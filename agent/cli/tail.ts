/** The signals as a command hears them: over the websocket, and again where the connection ends, until it is told to stop. */
import { WebSocket } from "ws";
import * as z from "zod";
import { frameBytesMax, subprotocol } from "../../exporters/frames.ts";
import type { Clock } from "../clock.ts";
import type { Control } from "./control.ts";

const frame = z.looseObject({ kind: z.string(), ts: z.string().optional(), body: z.record(z.string(), z.unknown()).default({}) });
export type Frame = z.infer<typeof frame>;

export interface Ear {
  readonly frame: (frame: Frame, text: string) => void;
  /** It is connected, or why it is not any more. */
  readonly turned: (lost: string | undefined) => void;
}

const againMs = 1_000;

/** @returns what ends it. */
export function tail(api: Control, clock: Clock, { frame: hear, turned }: Ear): () => void {
  let socket: WebSocket | undefined;
  let over = false;
  let cancel = (): void => {};

  function open(): void {
    const { url, options } = api.socket("/v1/signals");
    let why = "the connection was closed";
    const opened = new WebSocket(url, subprotocol, { ...options, perMessageDeflate: false, maxPayload: frameBytesMax, handshakeTimeout: 10_000 });
    socket = opened;
    opened.on("open", () => turned(undefined));
    opened.on("message", (data) => {
      const text = (data as Buffer).toString("utf8");
      const parsed = frame.safeParse(parsedOf(text));
      if (parsed.success) hear(parsed.data, text);
    });
    opened.on("error", (error) => (why = error.message === "" ? String((error as NodeJS.ErrnoException).code) : error.message));
    opened.on("close", (_, reason) => {
      if (over) return;
      turned(reason.length > 0 ? reason.toString() : why);
      cancel = clock.after(againMs, open);
    });
  }
  open();
  return () => {
    over = true;
    cancel();
    socket?.terminate();
  };
}

function parsedOf(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
