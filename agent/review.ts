/** A question put to a person: was this answer right, or may this be done? Words of all rooms that put or show one. */
export const reviewKinds = ["answer", "approval"] as const;
export type ReviewKind = (typeof reviewKinds)[number];

/** What becomes of what is asked for. */
export type Verdict = "do" | "do-not";

export const reviewStates = [
  "open",
  "answered",
  "lapsed", // its deadline was over, and its default was taken
  "withdrawn", // there is no reason to ask any more
  "automatic", // nobody was asked: the config says that it is done
  "notified", // nobody was asked: the config says that it is told and not done
] as const;
export type ReviewState = (typeof reviewStates)[number];

export interface Review {
  /** A number as text; later ones are greater. */
  readonly id: string;
  readonly kind: ReviewKind;
  readonly state: ReviewState;
  /** Of an approval: which decision. */
  readonly decision?: string | undefined;
  /** Of an answer: which inference, and the first rows that the model was not sure of. */
  readonly inferenceId?: string | undefined;
  readonly rows?: readonly number[] | undefined;
  /** A sentence for a person. */
  readonly question: string;
  /** What speaks for it, for a person. */
  readonly evidence: string;
  readonly atWallMs: number;
  /** Only of an approval: without an answer its default is taken then. */
  readonly deadlineWallMs?: number | undefined;
  readonly default?: Verdict | undefined;
  /** How it came to its end; absent while it is open. */
  readonly ended?: ReviewEnd | undefined;
}

export interface ReviewEnd {
  readonly who: string;
  readonly atWallMs: number;
  readonly verdict?: Verdict | "skip" | undefined;
  /** What came true, one for each row of the inference. */
  readonly actuals?: readonly (number | string | boolean)[] | undefined;
  readonly reason?: string | undefined;
}

/** A person's answer: a verdict on an approval, what came true of an answer, or `skip` where that can not be known. */
export interface ReviewAnswer {
  readonly verdict?: Verdict | "skip" | undefined;
  readonly actuals?: readonly (number | string | boolean)[] | undefined;
  readonly reason?: string | undefined;
}

export type ReviewAnswered =
  | { readonly ok: true; readonly review: Review }
  | { readonly ok: false; readonly why: "unknown" | "ended" | "unfit"; readonly detail: string };
