/**
 * The subscribers of bench/signals.ts: `node readers.ts URL COUNT`. Says `[]` once all have their snapshot. For each number on its
 * input, which is the `rev` of the next state, says `[]` when it waits for it, and then when each subscriber had the transition
 * that follows that state, in milliseconds of the machine's monotonic clock.
 */
import { createInterface } from "node:readline";
import { WebSocket } from "ws";
import { subprotocol } from "../../exporters/frames.ts";

const [url, count] = process.argv.slice(2) as [string, string];
const sockets: WebSocket[] = [];
let waitsFor = Infinity;
let at: number[] = [];
const hello = JSON.stringify({ v: 1, kind: "hello", body: { features: ["bookmark", "renew"], filters: { models: ["employment"] } } });

for (let i = 0; i < Number(count); i += 1) {
  const socket = new WebSocket(url, subprotocol, { perMessageDeflate: false });
  sockets.push(socket);
  let rev = 0;
  await new Promise<void>((resolve, reject) => {
    socket.once("open", () => socket.send(hello)).once("error", reject);
    socket.on("message", (data: Buffer) => {
      const nowMs = Number(process.hrtime.bigint()) / 1e6;
      const text = data.toString("latin1");
      if (text.includes('"kind":"snapshot.end"')) return resolve();
      if (text.includes('"kind":"state"')) rev = Number(/"rev":(\d+)/.exec(text)?.[1]);
      if (!text.includes('"kind":"transition"') || rev < waitsFor) return;
      at.push(nowMs);
      if (at.length < sockets.length) return;
      waitsFor = Infinity;
      process.stdout.write(`${JSON.stringify(at)}\n`);
    });
  });
}
process.stdout.write("[]\n");
createInterface({ input: process.stdin }).on("line", (line) => {
  at = [];
  waitsFor = Number(line);
  process.stdout.write("[]\n");
});
