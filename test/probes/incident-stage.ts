/**
 * What others report of model servers, played again on the virtual clock: probes and failover as they are, beside a server and
 * clients that behave as in the report.
 */
import type { Outcome } from "../../agent/backend.ts";
import { wait } from "../../agent/clock.ts";
import { failover, failoverOptions } from "../../agent/failover/failover.ts";
import type { Asked } from "../../agent/forward/ask.ts";
import { silent } from "../../agent/log.ts";
import type { Observation } from "../../agent/observation.ts";
import { probes, probesOptions } from "../../agent/probes/probes.ts";
import type { GatewayWork } from "../../agent/probes/progress.ts";
import { restarts } from "../../agent/probes/restarts.ts";
import { openInference } from "../../agent/protocols/open-inference.ts";
import { FakeClock } from "../fake-clock.ts";
import { metricsPage, type Kind, type Shows } from "./engine.ts";

/** How the server behaves at a moment. */
export interface Server {
  /** What readiness answers: a status, after so long; `refused`: nobody listens; undefined: no answer ever. */
  readonly ready: (nowMs: number, path: string) => { readonly status: number; readonly afterMs: number } | "refused" | undefined;
  /** What becomes of an inference that is sent now; undefined: it is never answered. */
  readonly infer: (nowMs: number) => { readonly outcome: Outcome; readonly afterMs: number } | undefined;
  /** What the known question is answered with. */
  readonly known?: (nowMs: number) => { readonly status: number; readonly body: string };
  /** The page of metrics; undefined: it can not be had now. */
  readonly page?: (nowMs: number) => string | undefined;
}

export interface Told {
  /** When the server was left, and taken back. */
  readonly moves: readonly string[];
  /** Inferences that were sent to the server, by the second. */
  readonly sentInSecond: (second: number) => number;
  /** The longest that any client waited for its answer, from the server or a rung. */
  readonly longestMs: number;
  /** Inferences that a rung answered. */
  readonly byRung: number;
}

export interface Playing {
  readonly probe?: object;
  readonly policy?: object;
  /** How often clients ask; 0: their traffic does not pass here. */
  readonly perSecond?: number;
  /** A client that gets no answer gives up. */
  readonly patienceMs?: number;
}

/** Nobody but this server and a rung can answer. */
export async function play(untilMs: number, server: Server, { probe = {}, policy = {}, perSecond = 20, patienceMs = 120_000 }: Playing = {}): Promise<Told> {
  const clock = new FakeClock();
  const moves: string[] = [];
  const waiting = new Map<number, { readonly sinceMs: number; readonly trial: boolean }>();
  const sentAtMs: number[] = [];
  const tookMs: number[] = [];
  let longestMs = 0;
  let byRung = 0;
  let completed = 0;
  let flowed = true;

  const end = (id: number, outcome: Outcome) => {
    const asked = waiting.get(id);
    if (asked === undefined) return;
    waiting.delete(id);
    const durationMs = clock.monotonicMs() - asked.sinceMs;
    longestMs = Math.max(longestMs, durationMs);
    if (outcome === "ok") tookMs.push(durationMs);
    else byRung += 1;
    if (outcome === "ok") completed += 1;
    room.hear({ kind: "attempt", backend: "primary", outcome, status: outcome === "error" ? 500 : 200, firstByteMs: durationMs, durationMs, trial: asked.trial });
  };
  const room = failover(failoverOptions.parse(policy), {
    clock,
    announce() {
      const flows = room.route().primary === "flows";
      if (flows !== flowed) moves.push(`${clock.monotonicMs()} ${flows ? "back" : "left"}`);
      flowed = flows;
    },
    rungs: () => ["onnx"],
    target: () => ({ model: "m", version: "1", endpoint: "http://server:8080" }),
    release: () => [...waiting.keys()].forEach((id) => end(id, "stalled")),
    save: () => {},
    saved: undefined,
    rev: 0,
  });

  const ups = restarts();
  const observe = (seen: Observation) => {
    room.hear(seen);
    ups.hear(seen);
  };
  const work = (): GatewayWork | undefined => {
    if (perSecond === 0) return undefined;
    const sinceMs = [...waiting.values()].map(({ sinceMs: since }) => since);
    return { inFlight: waiting.size, completed, oldestWaitMs: sinceMs.length === 0 ? undefined : clock.monotonicMs() - Math.min(...sinceMs), usualMs: tookMs.slice(-128).toSorted((a, b) => a - b).at(-6) };
  };
  const answered = async (status: number, afterMs: number, body: string, timeoutMs: number): Promise<Asked> => {
    await wait(clock, Math.min(afterMs, timeoutMs));
    return afterMs > timeoutMs ? { ok: false, outcome: "timeout", detail: "no answer in time", durationMs: timeoutMs } : { ok: true, status, headers: {}, body: Buffer.from(body), durationMs: afterMs };
  };
  const ask = (_: unknown, { url, timeoutMs }: { readonly url: string | URL; readonly timeoutMs: number }): Promise<Asked> => {
    const nowMs = clock.monotonicMs();
    const { pathname } = new URL(url);
    const refused: Asked = { ok: false, outcome: "refused", detail: "nobody listens", durationMs: 0 };
    // Steps of this clock are longer than a page takes.
    if (pathname === "/metrics") {
      const page = server.page?.(nowMs);
      return Promise.resolve(page === undefined ? refused : { ok: true, status: 200, headers: {}, durationMs: 0, body: Buffer.from(page) });
    }
    if (pathname.endsWith("/infer")) return answered(server.known?.(nowMs).status ?? 500, 5, server.known?.(nowMs).body ?? "", timeoutMs);
    const ready = server.ready(nowMs, pathname) ?? { status: 0, afterMs: Infinity };
    return ready === "refused" ? Promise.resolve(refused) : answered(ready.status, ready.afterMs, "", timeoutMs);
  };

  const closes = [
    room.start(),
    probes(probesOptions.parse(probe), {
      clock, ask, work, log: silent, observe, server: new URL("http://server:8080"), protocol: openInference,
      model: () => "m", restarts: ups.count,
    }).start(),
  ];
  const request = () => {
    const { primary } = room.route();
    const trial = primary === "trial" && room.claimTrial();
    if (primary !== "flows" && !trial) return void (byRung += 1);
    const nowMs = clock.monotonicMs();
    const id = sentAtMs.push(nowMs);
    waiting.set(id, { sinceMs: nowMs, trial });
    const result = server.infer(nowMs);
    if (result === undefined || result.afterMs > patienceMs) clock.after(patienceMs, () => end(id, "cancelled"));
    else clock.after(result.afterMs, () => end(id, result.outcome));
  };
  if (perSecond > 0) clock.every(1_000 / perSecond, request);
  await clock.advanceAsync(untilMs, 125);
  for (const close of closes) await close();
  return { moves, byRung, longestMs, sentInSecond: (second) => sentAtMs.filter((atMs) => Math.floor(atMs / 1_000) === second).length };
}

export const words = ({ moves }: Told) => moves.map((move) => move.replace(/^\d+ /, ""));
export const well = () => ({ status: 200, afterMs: 5 });
export const quick = { outcome: "ok", afterMs: 20 } as const;
export const minuteMs = 60_000;

/** When the server was left first; Infinity where it never was. */
export const leftAtMs = ({ moves }: Told) => Number(moves.find((move) => move.endsWith(" left"))?.split(" ")[0] ?? Infinity);

/** How many requests were sent to the server from one moment to another. */
export const sentBetween = ({ sentInSecond }: Told, fromMs: number, untilMs: number) =>
  Array.from({ length: (untilMs - fromMs) / 1_000 }, (_, i) => sentInSecond(fromMs / 1_000 + i)).reduce((sum, count) => sum + count, 0);

export const page = (kind: Kind, shows: (nowMs: number) => Shows) => (nowMs: number) => metricsPage(kind, shows(nowMs));
