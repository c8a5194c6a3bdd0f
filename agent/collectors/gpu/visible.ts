/**
 * Which of NVIDIA's GPUs the server has. A sidecar that sees the driver at all often sees every card of the node; the server's
 * are named in the variable through which Kubernetes' device plugin hands them out. Needs the same user, or CAP_SYS_PTRACE.
 * Of the server's environment, which holds secrets, nothing else is kept.
 */
import type { Reading } from "../collector.ts";
import { unknown } from "../collector.ts";
import { readSmall } from "../small-file.ts";

const environMaxBytes = 262_144;

/** UUIDs of whole cards; undefined where it can not be told, because it says `all`, names MIG instances or numbers, or is not shown. */
export function parseVisible(environ: string): ReadonlySet<string> | undefined {
  const value = /(?:^|\0)NVIDIA_VISIBLE_DEVICES=([^\0]*)/.exec(environ)?.[1] ?? "";
  const ids = value.split(",").map((id) => id.trim());
  return ids.every((id) => /^GPU-[\w-]+$/.test(id)) ? new Set(ids) : undefined;
}

/** Asked once of each process: reading an environment waits for that process's memory, which may be long. */
export function visibleGpus(proc: string, findServer: () => Promise<{ readonly found: true; readonly pid: number } | { readonly found: false }>): () => Promise<ReadonlySet<string> | undefined> {
  let known: { readonly pid: number; readonly ids: ReadonlySet<string> | undefined } | undefined;
  return async () => {
    const server = await findServer();
    if (!server.found) return undefined;
    if (known?.pid !== server.pid) known = { pid: server.pid, ids: parseVisible((await readSmall(`${proc}/${server.pid}/environ`, environMaxBytes)) ?? "") };
    return known.ids;
  };
}

/** The points of these cards and of their instances. */
export function only(reading: Reading, ids: ReadonlySet<string> | undefined): Reading {
  if (reading.status === "unknown" || ids === undefined) return reading;
  const points = reading.points.filter(({ labels }) => ids.has((labels["gpu"] ?? "").split("/")[0] as string));
  return points.length === 0 ? unknown(`${reading.detail}, and none of them is the server's`) : { ...reading, points };
}
