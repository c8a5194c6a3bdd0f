/**
 * How far one request has come: what was tried and asked, and what stands in its way. From this plan.ts decides what is next;
 * what moves bytes is exchange.ts's.
 */
import { primaryName } from "../backend.ts";
import type { Outcome, Reason, Route } from "../backend.ts";
import { candidateName } from "../trial.ts";
import { priorityHeader, priorityOf } from "./concurrency-limit.ts";
import type { Inquiry } from "./inquiry.ts";
import { Dealing } from "./dealing.ts";
import { entryOf } from "./plan.ts";
import type { RungTraits, Situation, Suspect } from "./plan.ts";
import { noPlace, quarantined } from "./refusal.ts";
import type { Refusal } from "./refusal.ts";

const noTraits: readonly RungTraits[] = [];

export class Course {
  /** How the attempts at the primary ended. */
  readonly tried: Outcome[] = [];
  /** Indices of the rungs that were asked. */
  readonly asked: number[] = [];
  /** Who could not answer and why, for people. */
  readonly failures: string[] = [];
  /** It may have crashed the primary. */
  suspect: Suspect | undefined;
  /** The primary answered, and was not sure enough. */
  unsure = false;
  /** Its part in a rollout; undefined where none runs, or it has none. */
  dealing: Dealing | undefined;
  /** What is said where nobody answers. */
  refusal: Refusal | undefined;
  readonly #inquiry: Inquiry;
  #candidate: Situation["candidate"];
  #entry: Situation["entry"] = "flows";
  #routeReason: Reason = "normal";
  #pinned: number | undefined;
  #barred: Situation["barred"];
  #retryRefused = false;

  constructor(inquiry: Inquiry) {
    this.#inquiry = inquiry;
  }

  /** The request's turn has come: the route is read once. */
  enter(): void {
    const { target, room } = this.#inquiry;
    if (target === undefined) return;
    room.budget.request(room.deps.clock.monotonicMs());
    if (this.#barred === undefined) this.#lookForSuspicion("known");
    const route: Route = room.deps.route();
    this.#deal(route);
    // Who is dealt to the candidate may never come to the primary, and would keep the trial from those who do.
    this.#entry = entryOf(route, () => this.#barred === undefined && this.#candidate === undefined && room.deps.claimTrial());
    this.#routeReason = route.reason;
    if (route.reason !== "override" || route.primary !== "blocked") return;
    const index = room.deps.rungs.findIndex(({ name }) => name === route.rung);
    if (index >= 0) this.#pinned = index;
  }

  /** Which side of a rollout has it. Not for one that a person, the contract or the quarantine has a word on, nor at the gateway's end. */
  #deal(route: Route): void {
    const { room } = this.#inquiry;
    const deal = room.deps.deal?.();
    room.candidates.holds(deal);
    if (deal === undefined || route.reason === "override" || this.#barred !== undefined || this.suspect !== undefined || room.isDraining()) return;
    this.dealing = Dealing.of(this.#inquiry, deal, route.primary === "flows");
    if (this.dealing?.toCandidate === true) this.#candidate = "dealt";
  }

  /** It is dealt to the candidate, which has not been asked. */
  get isForCandidate(): boolean {
    return this.#candidate === "dealt";
  }

  /** The candidate will not be asked, nor the inference be compared with others. */
  withdraw(): void {
    this.#candidate = undefined;
    this.dealing = undefined;
  }

  /** How asking the candidate ended. `how`: where it has not answered. */
  candidateTried(outcome: Outcome, how?: string): void {
    this.#candidate = outcome;
    if (how !== undefined) this.failures.push(`${candidateName}: ${how}`);
  }

  /** The primary may not have this request. */
  bar(why: NonNullable<Situation["barred"]>, refusal: Refusal): void {
    this.#barred = why;
    this.refusal = refusal;
  }

  situation(): Situation {
    const { room, target, method, upload, rungs } = this.#inquiry;
    const nowMs = room.deps.clock.monotonicMs();
    return {
      entry: this.#entry,
      routeReason: this.#routeReason,
      kind: target !== undefined ? "inference" : method === "GET" || method === "HEAD" ? "safe" : "other",
      replayable: upload.replayable,
      tried: this.tried,
      retryRefused: this.#retryRefused,
      barred: this.#barred,
      suspect: this.suspect,
      unsure: this.unsure,
      rungs: rungs.length === 0 ? noTraits : room.traits,
      pinned: this.#pinned,
      asked: this.asked,
      candidate: this.#candidate,
      primaryLeftMs: this.primaryDeadlineMs() - nowMs,
      leftMs: this.#inquiry.deadlineMs() - nowMs,
    };
  }

  /** The rung is the one that a person has pinned. */
  isPinned(index: number): boolean {
    return this.#pinned === index;
  }

  primaryDeadlineMs(): number {
    return this.#inquiry.primaryDeadlineMs(this.#inquiry.rungs.length - this.asked.length);
  }

  /** Nothing has come in the way of an attempt at the primary since it was planned: the budget and the limit allow it. */
  mayAskPrimary({ trial, retry }: { readonly trial: boolean; readonly retry: boolean }): boolean {
    if (this.suspect !== undefined) this.#lookForSuspicion(this.suspect); // Another one may be tried meanwhile.
    return this.#barred === undefined && (!retry || this.#mayRetry()) && (trial || this.#hasPlace());
  }

  failed(outcome: Outcome, how: string): void {
    this.tried.push(outcome);
    this.failures.push(`${primaryName}: ${how}`);
    this.refusal = undefined;
    if (outcome === "reset" || outcome === "refused") this.#lookForSuspicion(this.suspect ?? "fresh"); // It may have been in flight at a crash.
  }

  /** How the request stands in the quarantine now. Before it was tried, one that may not be is barred. */
  #lookForSuspicion(as: Suspect): void {
    const { target, room: { suspicion } } = this.#inquiry;
    if (suspicion === undefined || target === undefined || suspicion.quiet) return;
    const standing = suspicion.standing(this.#inquiry);
    if (standing.is === "clear") return;
    this.suspect = standing.is === "guilty" ? "known" : as;
    this.refusal = quarantined(standing);
    if (standing.is === "guilty" || !standing.mayTry) this.#barred = "quarantine";
  }

  #mayRetry(): boolean {
    const { deps, budget } = this.#inquiry.room;
    this.#retryRefused = !budget.take(deps.clock.monotonicMs());
    deps.retried?.(this.#retryRefused ? "refused" : "taken");
    return !this.#retryRefused;
  }

  /** False where the limit has none: then the request is not the primary's any more. */
  #hasPlace(): boolean {
    const { room, target, incoming } = this.#inquiry;
    const { limit, deps } = room;
    if (limit === undefined || target === undefined) return true;
    const priority = priorityOf(incoming.heeded[priorityHeader]);
    const admission = limit.admit(priority, deps.clock.monotonicMs());
    if (admission.admitted) return true;
    deps.unplaced?.(priority);
    this.#retryRefused = true;
    if (this.tried.length === 0) this.bar("overloaded", noPlace(admission.status, admission.retryAfterS));
    return false;
  }
}
