/** Ports for the processes of the demo, of tests and of benches. */
import { createServer } from "node:net";
import { systemClock } from "../../clock.ts";

/** Below the range from which the kernel takes the ports of outgoing connections, so that none of these takes it meanwhile. */
const range = { first: 20_000, count: 12_000 };
const given = new Set<number>();

/** A port of loopback on which nobody listens, and that was not given to anybody else of this process. */
export async function freePort(): Promise<number> {
  for (;;) {
    const port = range.first + Math.floor(systemClock.random() * range.count);
    if (given.has(port) || !(await isFree(port))) continue;
    given.add(port);
    return port;
  }
}

function isFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once("error", () => resolve(false));
    server.listen(port, "127.0.0.1", () => server.close(() => resolve(true)));
  });
}
