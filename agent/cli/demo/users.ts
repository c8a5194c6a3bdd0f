/**
 * Users who ask about census rows again and again, each known by a header, and whose true answers come a while after the model's:
 * what a rollout is tried on.
 */
import { inferRequest, type CensusRow } from "../../../examples/employment/rows.ts";
import type { Clock } from "../../clock.ts";
import { startLoad, type Answered } from "./load.ts";

export const userHeader = "x-user";

export interface UsersOptions {
  /** Of the gateway. */
  readonly url: string;
  readonly path: string;
  readonly rows: readonly CensusRow[];
  readonly users: number;
  readonly ratePerSecond: number;
  readonly deadlineMs: number;
  /** How long after an answer its truth is known. */
  readonly lateMs: number;
  /** Before the ids of inferences. */
  readonly prefix: string;
  readonly postActuals: (actuals: readonly { readonly inference_id: string; readonly actual: number }[]) => Promise<void>;
}

export interface Served extends Answered {
  readonly user: number;
}

const postMs = 200;

/** Asks until stopped. The answers so far can be read at any time, in the order in which they came. */
export function startUsers({ rows, users, lateMs, prefix, postActuals, ...load }: UsersOptions, clock: Clock) {
  const served: Served[] = [];
  const asking = new Map<string, { readonly row: CensusRow; readonly user: number }>();
  const owed: { readonly dueMs: number; readonly inference_id: string; readonly actual: number }[] = [];
  const lost: unknown[] = [];
  let asked = 0;

  const next = () => {
    asked += 1;
    const id = `${prefix}-${asked}`;
    const row = rows[asked % rows.length] as CensusRow;
    // A prime number's multiples: users come in no order that the rows have.
    const user = (asked * 7_919) % users;
    asking.set(id, { row, user });
    return { id, body: JSON.stringify(inferRequest([row], id)), headers: { [userHeader]: `user-${user}` } };
  };

  const answered = (answer: Answered): void => {
    const known = asking.get(answer.id);
    asking.delete(answer.id);
    if (known === undefined) return;
    served.push({ ...answer, user: known.user });
    if (answer.failure === undefined) owed.push({ dueMs: clock.monotonicMs() + lateMs, inference_id: answer.id, actual: known.row.employed });
  };

  const sent = startLoad({ ...load, atOnceMax: 512 }, clock, next, answered);
  const cancel = clock.every(postMs, () => {
    const nowMs = clock.monotonicMs();
    const due = owed.findIndex(({ dueMs }) => dueMs > nowMs);
    const batch = owed.splice(0, due < 0 ? owed.length : due).map(({ inference_id, actual }) => ({ inference_id, actual }));
    if (batch.length > 0) void postActuals(batch).catch((error: unknown) => lost.push(error));
  });

  return {
    served,
    /** Why true answers could not be posted. */
    lost,
    skipped: sent.skipped,
    async stop(): Promise<void> {
      cancel();
      await sent.stop();
    },
  };
}
