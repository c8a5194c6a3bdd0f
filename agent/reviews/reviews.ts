/**
 * Questions that wait for a person: answers that the model was not sure of, and decisions that the config leaves to people.
 *
 * Answers are many and of little weight each: the newest thousand wait, older ones are let go and counted, and what a person says
 * becomes the actual of that inference. Approvals are few and each has an end: one waits for each decision at most, it pages while
 * it waits, and at its deadline its default is taken. Both are kept over a restart; a deadline goes on by the wall clock while
 * nobody runs, and one that is over by then lapses at the start.
 */
import type { Audit } from "../audit.ts";
import type { Cancel, Clock } from "../clock.ts";
import type { Close } from "../lifecycle.ts";
import type { ActualObservation } from "../observation.ts";
import type { Principal } from "../principal.ts";
import { reviewKinds, type Review, type ReviewAnswer, type ReviewAnswered, type ReviewKind, type ReviewState, type Verdict } from "../review.ts";
import type { DecisionKind, DecisionMode } from "./options.ts";
import { restore, type SavedReviews } from "./saved.ts";

export interface ReviewsDeps {
  readonly clock: Clock;
  /** How a decision is taken now; a reload may change it. */
  readonly rule: (decision: DecisionKind) => { readonly mode: DecisionMode; readonly deadline: number; readonly default: Verdict };
  /** What a person said of an answer. */
  readonly observe: (actual: ActualObservation) => void;
  readonly save: (state: SavedReviews) => void;
  readonly saved: unknown;
  readonly audit: Audit;
  readonly dropped: (count: number) => void;
  /** An approval begins to wait, or no longer does. */
  readonly page: (review: Review) => void;
  /** A review was put (`open`), or came to its end. */
  readonly counted: (kind: ReviewKind, state: ReviewState) => void;
  /** How many of a kind wait now. */
  readonly waiting: (kind: ReviewKind, open: number) => void;
}

export interface Unsure {
  readonly inferenceId: string;
  readonly model: string;
  /** Of the least sure row, 0 to 1. */
  readonly confidence: number;
  readonly rows: readonly number[];
  readonly atWallMs: number;
}

/** What was asked for, as it comes to be decided. */
export interface Pending {
  /** Kept once it is decided. Never rejects, and stays open where the question is withdrawn. */
  readonly verdict: Promise<Verdict>;
  /** There is no reason to ask any more. */
  readonly withdraw: () => void;
}

export interface Page {
  readonly reviews: readonly Review[];
  /** The id after which the next page begins; undefined where this is the last. */
  readonly next: string | undefined;
}

/** Functions, not methods: they are handed to other rooms one by one. */
export interface Reviews {
  /** An answer was given that a person should look at. */
  readonly unsure: (answer: Unsure) => void;
  /**
   * Asks whoever the config says; `asksPerson`: a person, also where the config says `automatic`. Where this decision waits already,
   * it is the same question with newer evidence.
   */
  readonly decide: (decision: DecisionKind, asked: { readonly question: string; readonly evidence: string; readonly asksPerson?: boolean }) => Pending;
  /** Oldest first. Cost: linear in those that are kept. */
  readonly list: (which: "open" | "all", after: string | undefined, limit: number) => Page;
  readonly get: (id: string) => Review | undefined;
  readonly answer: (id: string, answer: ReviewAnswer, principal: Principal) => ReviewAnswered;
  readonly start: () => Close;
}

const answersMax = 1_000;
const endedMax = 200;
/** Answers may be many a second. */
const saveMs = 1_000;
const textMax = 1_000;
/** Of what came true for one inference, as it is shown afterwards; the actual itself has all. */
const actualsMax = 16;

export function reviews(deps: ReviewsDeps): Reviews {
  const { clock, audit } = deps;
  const kept = restore(deps.saved);
  let next = kept?.next ?? 1;
  const openOf = (kind: ReviewKind) => new Map((kept?.reviews ?? []).filter((review) => review.state === "open" && review.kind === kind).map((review) => [review.id, review]));
  const open: Readonly<Record<ReviewKind, Map<string, Review>>> = { answer: openOf("answer"), approval: openOf("approval") };
  const ended: Review[] = (kept?.reviews ?? []).filter(({ state }) => state !== "open");
  const waiting = new Map<string, PromiseWithResolvers<Verdict>>();
  const deadlines = new Map<string, Cancel>();
  let cancelSave: Cancel | undefined;

  function save(): void {
    cancelSave?.();
    cancelSave = undefined;
    deps.save({ version: 1, next, reviews: [...ended, ...allOpen()] });
  }

  function saveSoon(): void {
    cancelSave ??= clock.after(saveMs, save);
  }

  function openNow(id: string): Review | undefined {
    return open.approval.get(id) ?? open.answer.get(id);
  }

  function allOpen(): readonly Review[] {
    return [...open.answer.values(), ...open.approval.values()];
  }

  function put(review: Omit<Review, "id">): Review {
    const made = { ...review, id: String(next) };
    next += 1;
    if (made.state === "open") open[made.kind].set(made.id, made);
    else keepEnded(made);
    deps.counted(made.kind, made.state);
    deps.waiting(made.kind, open[made.kind].size);
    return made;
  }

  function keepEnded(review: Review): void {
    ended.push(review);
    if (ended.length > endedMax) ended.shift();
  }

  function end(review: Review, state: ReviewState, how: NonNullable<Review["ended"]>): Review {
    const over = { ...review, state, ended: how };
    open[review.kind].delete(review.id);
    deadlines.get(review.id)?.();
    deadlines.delete(review.id);
    keepEnded(over);
    deps.counted(review.kind, state);
    deps.waiting(review.kind, open[review.kind].size);
    if (review.kind === "approval") deps.page(over);
    if (review.kind === "approval") save();
    else saveSoon();
    if (how.verdict === "do" || how.verdict === "do-not") waiting.get(review.id)?.resolve(how.verdict);
    waiting.delete(review.id);
    return over;
  }

  /** Its deadline takes effect by itself. */
  function watch({ id, deadlineWallMs }: Review): void {
    if (deadlineWallMs === undefined) return;
    deadlines.set(id, clock.after(Math.max(0, deadlineWallMs - clock.wallMs()), () => lapse(id)));
  }

  function lapse(id: string): void {
    const review = openNow(id);
    if (review === undefined) return;
    const atWallMs = clock.wallMs();
    end(review, "lapsed", { who: "pilotfish", atWallMs, verdict: review.default, reason: "nobody answered by the deadline" });
    audit({ atWallMs, who: "pilotfish", role: "act", action: `decision.${review.decision}`, subject: id, reason: "nobody answered by the deadline", result: "ended", detail: { verdict: review.default } });
  }

  function pending(review: Review): Pending {
    const asked = waiting.get(review.id) ?? Promise.withResolvers<Verdict>();
    waiting.set(review.id, asked);
    return {
      verdict: asked.promise,
      withdraw() {
        const now = openNow(review.id);
        if (now !== undefined) end(now, "withdrawn", { who: "pilotfish", atWallMs: clock.wallMs(), reason: "there is no reason to ask any more" });
      },
    };
  }

  return {
    unsure({ inferenceId, model, confidence, rows, atWallMs }) {
      if (open.answer.size >= answersMax) {
        open.answer.delete(open.answer.keys().next().value as string);
        deps.dropped(1);
      }
      const which = rows.length === 1 ? `row ${rows[0]}` : `rows ${rows.join(", ")}`;
      put({ kind: "answer", state: "open", inferenceId, rows, question: `What came true for inference ${inferenceId} of model ${model}?`, evidence: `the model was not sure of ${which}: its confidence was ${confidence.toFixed(3)}`, atWallMs });
      saveSoon();
    },
    decide(decision, { question, evidence, asksPerson = false }) {
      const rule = deps.rule(decision);
      const atWallMs = clock.wallMs();
      const asked = { kind: "approval", decision, question: question.slice(0, textMax), evidence: evidence.slice(0, textMax), atWallMs } as const;
      if (rule.mode === "notify" || (rule.mode === "automatic" && !asksPerson)) {
        const verdict = rule.mode === "automatic" ? "do" : "do-not";
        const review = put({ ...asked, state: rule.mode === "automatic" ? "automatic" : "notified", ended: { who: "pilotfish", atWallMs, verdict } });
        audit({ atWallMs, who: "pilotfish", role: "act", action: `decision.${decision}`, subject: review.id, reason: asked.evidence, result: "done", detail: { mode: rule.mode, verdict } });
        save();
        return { verdict: Promise.resolve(verdict), withdraw() {} };
      }
      const before = [...open.approval.values()].find((review) => review.decision === decision);
      const review = before === undefined ? put({ ...asked, state: "open", deadlineWallMs: atWallMs + rule.deadline, default: rule.default }) : { ...before, question: asked.question, evidence: asked.evidence };
      open.approval.set(review.id, review);
      if (before === undefined) watch(review);
      deps.page(review);
      save();
      return pending(review);
    },
    list(which, after, limit) {
      const from = after === undefined ? 0 : Number(after);
      const all = [...allOpen(), ...(which === "open" ? [] : ended)].filter(({ id }) => Number(id) > from).sort((a, b) => Number(a.id) - Number(b.id));
      const page = all.slice(0, limit);
      return { reviews: page, next: all.length > limit ? page.at(-1)?.id : undefined };
    },
    get: (id) => openNow(id) ?? ended.find((review) => review.id === id),
    answer(id, { verdict, actuals, reason }, { name, role }) {
      const review = openNow(id);
      if (review === undefined) {
        const over = ended.find((one) => one.id === id);
        return over === undefined ? { ok: false, why: "unknown", detail: `there is no review ${id}` } : { ok: false, why: "ended", detail: `the review ${id} has ended: ${over.state} by ${over.ended?.who ?? "nobody"}` };
      }
      const misfit = misfitOf(review, { verdict, actuals });
      if (misfit !== undefined) return { ok: false, why: "unfit", detail: misfit };
      const atWallMs = clock.wallMs();
      audit({ atWallMs, who: name, role, action: "review.answer", subject: id, reason, result: "done", detail: { kind: review.kind, ...(review.decision === undefined ? { inference: review.inferenceId } : { decision: review.decision }), ...(verdict && { verdict }) } });
      if (actuals !== undefined) deps.observe({ kind: "actual", inferenceId: review.inferenceId as string, values: actuals, atWallMs });
      return { ok: true, review: end(review, "answered", { who: name, atWallMs, verdict, actuals: actuals?.slice(0, actualsMax), reason }) };
    },
    start() {
      for (const kind of reviewKinds) deps.waiting(kind, open[kind].size);
      for (const review of open.approval.values()) {
        watch(review);
        deps.page(review);
      }
      return () => {
        for (const cancel of deadlines.values()) cancel();
        if (cancelSave !== undefined) save();
      };
    },
  };
}

/** Why this is no answer to that; undefined where it is one. */
function misfitOf({ kind }: Review, { verdict, actuals }: ReviewAnswer): string | undefined {
  if (kind === "approval") return verdict === "do" || verdict === "do-not" ? undefined : "expected the verdict do or do-not: it is a decision that waits";
  if (actuals !== undefined && verdict === undefined) return undefined;
  return actuals === undefined && verdict === "skip" ? undefined : "expected actual or actuals, what came true, or the verdict skip: it is an answer that waits";
}
