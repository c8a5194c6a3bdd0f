/** One attempt at the primary, and a rung asked beside it once that is slow: the first good answer wins, the other is called back. */
import type { RungAnswer } from "../backend.ts";
import type { Clock } from "../clock.ts";
import type { PrimaryAttempt, Tried } from "./primary.ts";
import type { RungAttempt } from "./rung-attempt.ts";

type Good = Extract<RungAnswer, { outcome: "ok" }>;

/** `result`: what became of the hedge; undefined where there was none. `tried`: the primary's part. */
export type Hedged =
  | { readonly result: "won"; readonly asked: RungAttempt; readonly answer: Good; readonly tried: Tried }
  | { readonly result: "lost" | "failed" | undefined; readonly tried: Tried };

export interface HedgeParts {
  readonly clock: Clock;
  readonly delayMs: number;
  /** Asks the rung; undefined where none may be asked any more. */
  readonly ask: () => RungAttempt | undefined;
}

/** Never rejects. Says itself of the rung what became of it. */
export async function hedged(primary: PrimaryAttempt, { clock, delayMs, ask }: HedgeParts): Promise<Hedged> {
  const answered = primary.answered();
  let cancelTimer = (): void => {};
  const slow = new Promise<"slow">((resolve) => {
    cancelTimer = clock.after(delayMs, () => resolve("slow"));
  });
  const first = await Promise.race([answered, slow]);
  cancelTimer();
  const asked = first === "slow" ? ask() : undefined;
  if (asked === undefined) return { result: undefined, tried: await answered };

  const earlier = await Promise.race([answered, asked.answered.then((): "rung" => "rung")]);
  if (earlier !== "rung" && isGood(earlier)) {
    asked.cancel();
    asked.ended(await asked.answered, true);
    return { result: "lost", tried: earlier };
  }
  // The rung was first, or the primary has failed and the rung is all there is.
  const answer = await asked.answered;
  asked.ended(answer, asked.isCancelled);
  if (answer.outcome !== "ok" || asked.isCancelled) return { result: "failed", tried: await answered };
  primary.attempt.cancel("cancelled", "a rung was first");
  return { result: "won", asked, answer, tried: await answered };
}

function isGood(tried: Tried): boolean {
  return tried.ok && (tried.answer.outcome === "ok" || tried.answer.outcome === "rejected");
}
