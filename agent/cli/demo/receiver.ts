/** Takes what Pilotfish pushes to Alertmanager (API v2) and remembers it: what would have paged somebody. */
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import * as z from "zod";
import type { Clock } from "../../clock.ts";

const pushed = z.array(z.object({ labels: z.record(z.string(), z.string()), annotations: z.record(z.string(), z.string()).default({}), endsAt: z.string().optional() }));

export interface Page {
  readonly atMs: number;
  readonly alertname: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly summary: string;
  readonly description: string;
  readonly resolved: boolean;
}

/** One entry per change (fired, resolved) of an alert, not per resend. */
export async function startReceiver(clock: Clock) {
  const pages: Page[] = [];
  const firing = new Map<string, boolean>();
  const server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on("data", (chunk: Buffer) => chunks.push(chunk));
    request.on("end", () => {
      const body = pushed.safeParse(json(Buffer.concat(chunks).toString("utf8")));
      response.writeHead(body.success ? 200 : 400).end();
      for (const { labels, annotations, endsAt } of body.data ?? []) {
        const identity = JSON.stringify(Object.entries(labels).sort(([a], [b]) => a.localeCompare(b)));
        const resolved = endsAt !== undefined && Date.parse(endsAt) <= clock.wallMs();
        if (firing.get(identity) === !resolved || (resolved && !firing.has(identity))) continue;
        firing.set(identity, !resolved);
        pages.push({ atMs: clock.monotonicMs(), alertname: labels["alertname"] ?? "", labels, summary: annotations["summary"] ?? "", description: annotations["description"] ?? "", resolved });
      }
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    pages: pages as readonly Page[],
    close: () => new Promise<void>((resolve) => {
      server.closeAllConnections();
      server.close(() => resolve());
    }),
  };
}

function json(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
