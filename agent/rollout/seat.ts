/**
 * Gets a candidate ready to be tried: loaded where it is a version that the server has not got, reached, and held against the
 * primary's schema. Each wait has its bound, and whatever is in the way comes back as a sentence.
 */
import type { Clock } from "../clock.ts";
import type { ModelDescription } from "../protocols/protocol.ts";
import type { CandidateAsked } from "../rollout-view.ts";
import { isAtPrimary, type PrimaryKnown } from "./candidate.ts";
import { schemaDifferences } from "./schema-differences.ts";

export type Used = { readonly ok: true } | { readonly ok: false; readonly detail: string };

/** The gateway's place for a candidate. */
export interface CandidateSeat {
  /** Opens what is needed to ask it, in place of the one before; undefined: there is none any more. Not ok: it can not be reached or loaded. */
  readonly use: (candidate: CandidateAsked | undefined) => Promise<Used>;
  /** What it says of itself; undefined where it does not. */
  readonly describe: (candidate: CandidateAsked) => Promise<ModelDescription | undefined>;
}

export interface SeatDeps {
  readonly clock: Clock;
  readonly seat: CandidateSeat;
  readonly primary: () => PrimaryKnown;
  /** What the primary says of itself, as far as it is known. */
  readonly description: () => ModelDescription | undefined;
  /** Has the primary's server load a version of the model; undefined where it can not be asked to. */
  readonly load: (version: string, timeoutMs: number) => Promise<Used> | undefined;
}

export type Seated =
  /** `note`: what could not be looked at. */
  | { readonly ok: true; readonly note: string | undefined }
  | { readonly ok: false; readonly detail: string; readonly problems: readonly string[] };

/** What is no load answers sooner. */
const askMs = 15_000;

/** Never rejects. @param timeoutMs of a load. */
export async function seated(candidate: CandidateAsked, { clock, seat, primary, description, load }: SeatDeps, timeoutMs: number): Promise<Seated> {
  const { version } = candidate;
  const { versions } = primary();
  if (version !== undefined && isAtPrimary(candidate, primary()) && !versions.includes(version)) {
    const loading = load(version, timeoutMs);
    const loaded = loading === undefined ? undefined : await within(clock, timeoutMs, loading, `version ${version} was not loaded within ${timeoutMs / 1_000} s`);
    if (loaded?.ok === false) return unfit(loaded.detail);
  }
  const used = await within(clock, candidate.onnx === undefined ? askMs : timeoutMs, seat.use(candidate), "it did not answer in time");
  if (!used.ok) return unfit(used.detail);

  const own = description();
  const other = await within(clock, askMs, seat.describe(candidate).then((described) => ({ described })), "");
  if (own === undefined || !("described" in other) || other.described === undefined) {
    return { ok: true, note: `its schema was not compared: ${own === undefined ? "the primary" : "the candidate"} does not describe itself` };
  }
  const problems = schemaDifferences(own, other.described);
  return problems.length === 0 ? { ok: true, note: undefined } : { ok: false, detail: `it has another schema: ${problems.join("; ")}`, problems };
}

function unfit(detail: string): Seated {
  return { ok: false, detail, problems: [detail] };
}

/** Neither late nor rejected. */
function within<T extends object>(clock: Clock, timeoutMs: number, doing: Promise<T>, detail: string): Promise<T | { readonly ok: false; readonly detail: string }> {
  return new Promise((resolve) => {
    const cancel = clock.after(timeoutMs, () => resolve({ ok: false, detail }));
    doing.then(
      (done) => {
        cancel();
        resolve(done);
      },
      (error: unknown) => {
        cancel();
        resolve({ ok: false, detail: error instanceof Error ? error.message : String(error) });
      },
    );
  });
}
