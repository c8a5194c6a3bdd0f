/**
 * The last act: two new versions of the model are tried on the users' traffic. Version 3 has a mistake that only what came true
 * can tell: it loads, answers at once, keeps to every range. Version 2 is better than the one that serves.
 */
import type { CensusRow } from "../../../examples/employment/rows.ts";
import type { Clock } from "../../clock.ts";
import { wait } from "../../clock.ts";
import { exactly, holds, within, type Claim } from "./claims.ts";
import { weight, type Rollout } from "./rollout.ts";
import type { Screen } from "./screen.ts";
import type { Stage } from "./stage.ts";
import { startUsers } from "./users.ts";

const traffic = { users: 4_000, ratePerSecond: 200, deadlineMs: 2_000, lateMs: 1_000, prefix: "version" } as const;
const patienceMs = 60_000;

export interface Tried {
  readonly claims: readonly Claim[];
  readonly sent: number;
  readonly failed: number;
}

/** @param rows like those that the models were trained on. */
export async function newVersions(stage: Stage, screen: Screen, rows: readonly CensusRow[], clock: Clock): Promise<Tried> {
  screen.act("6. New versions: one with a mistake that nobody sees in its answers, then a better one");
  const users = startUsers({ ...traffic, url: stage.urls.gateway, path: "/v2/models/employment/infer", rows, postActuals: (actuals) => stage.postActuals(actuals) }, clock);
  try {
    await wait(clock, 2_000);
    const faulty = await tried("3");
    const metCandidate = (from: number, to: number) => users.served.slice(from, to).filter(({ rung }) => rung === "candidate");
    const met = new Set(metCandidate(faulty.from, faulty.to).map(({ user }) => user));
    const seen = new Set(users.served.slice(faulty.from, faulty.to).map(({ user }) => user));
    await wait(clock, 1_000);
    const late = metCandidate(faulty.to + traffic.ratePerSecond / 2, users.served.length).length;
    const better = await tried("2");
    await wait(clock, 1_000);
    const old = users.served.slice(better.to + traffic.ratePerSecond / 2).filter(({ body }) => !body.includes('"model_version":"2"')).length;
    await users.stop();
    const failed = users.served.filter(({ failure }) => failure !== undefined).length;

    const [first, second] = ["version 3, with a mistake", "version 2, better"];
    return {
      sent: users.served.length,
      failed,
      claims: [
        holds(first, `rolled back by itself, for ${faulty.ended?.reading?.harmed.join(", ") || "nothing"}`, faulty.ended?.phase ?? "never judged", "aborted, for accuracy", faulty.ended?.phase === "aborted" && faulty.ended.reading?.harmed.includes("accuracy") === true),
        within(first, "from its first request to the verdict, true answers a second late", faulty.ms, patienceMs),
        holds(first, "users who ever met it", `${((100 * met.size) / Math.max(1, seen.size)).toFixed(1)} %`, `its share, ${100 * weight} % ± 3`, met.size > 0 && Math.abs(met.size / seen.size - weight) <= 0.03),
        exactly(first, "answers of it after it was rolled back", late, 0),
        holds(second, "promoted by itself", better.ended?.phase ?? "never judged", "promoted", better.ended?.phase === "promoted"),
        exactly(second, "answers of another version after that", old, 0),
        exactly("new versions", "client requests failed", failed, 0),
      ],
    };
  } finally {
    await users.stop();
  }

  /** From its start to its end; `from` and `to` count the answers that had come by then. */
  async function tried(version: string): Promise<{ readonly from: number; readonly to: number; readonly ms: number | undefined; readonly ended: Rollout | undefined }> {
    const startMs = clock.monotonicMs();
    const from = users.served.length;
    await stage.startRollout(version);
    for (;;) {
      await wait(clock, 100);
      const now = await stage.rollout();
      const isOver = now?.phase === "aborted" || now?.phase === "promoted";
      const ms = clock.monotonicMs() - startMs;
      if (isOver || ms > patienceMs) {
        const ended = isOver ? now : undefined;
        screen.happened(ms, `version ${version} ${ended?.phase ?? "not judged"}: ${ended?.reading?.message ?? now?.message ?? ""}`);
        return { from, to: users.served.length, ms: isOver ? ms : undefined, ended };
      }
      const { requests, actuals = 0 } = now?.reading ?? {};
      screen.progress(`version ${version} at ${Math.round(100 * (now?.weight ?? 0))} %: ${requests?.candidate ?? 0} requests and ${requests?.primary ?? 0} beside it, ${actuals} true answers`);
    }
  }
}
