/**
 * The answer that the primary itself gave when it was last asked the same thing, within a time to live. Nobody else's answers
 * are kept, so that a fallback's answer is never passed on as the model's.
 *
 * The same thing: the same method, path and body, but for white space, the order of members and the request's own id
 * (canonical.ts); the answer then bears the id of who asks now, and says in `age` how old it is. Bounded in number and bytes;
 * the oldest go first, and are counted.
 */
import { hash } from "node:crypto";
import * as z from "zod";
import type { Question, RungAnswer } from "../backend.ts";
import type { Clock } from "../clock.ts";
import type { Protocol } from "../protocols/protocol.ts";
import { bytes, duration } from "../units.ts";
import { canonical, withMember } from "./canonical.ts";
import type { LadderRung } from "./ladder-rung.ts";
import { featureNames, rungName, validity } from "./options.ts";

export const lastGoodOptions = z.strictObject({
  kind: z.literal("last-good"),
  name: rungName.default("last-good"),
  /** An answer older than this is not given. */
  ttl: duration().default(600_000),
  /** Answers kept. */
  entries: z.int().min(1).max(1_000_000).default(10_000),
  /** What they take together. */
  size: bytes().default(33_554_432),
  /** The longest body, of request and of answer, that is kept. */
  bodyMax: bytes().default(65_536),
  features: featureNames.optional(),
  validity,
});
export type LastGoodRungOptions = Pick<z.output<typeof lastGoodOptions>, "name" | "ttl" | "entries" | "size" | "bodyMax">;

export interface LastGoodRungDeps {
  readonly clock: Clock;
  readonly protocol: Protocol;
  /** `count` answers were let go for lack of room. */
  readonly dropped: (what: string, count?: number) => void;
}

/** An answer of the primary. */
export interface GoodAnswer {
  readonly status: number;
  /** Lower-case names. */
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Buffer;
  readonly version: string | undefined;
}

interface Entry extends GoodAnswer {
  readonly atMs: number;
  readonly bytes: number;
  /** The answer bears the id of the question it was given to. */
  readonly echoes: boolean;
}

/** What an entry takes beside its body: key, headers, and the table's own. */
const overheadBytes = 512;
/** What an answer's reader needs to read it. */
const keptHeaders = ["content-type", "content-encoding", "inference-header-content-length"];

export class LastGoodRung implements LadderRung {
  readonly name: string;
  readonly kind = "last-good";

  readonly #options: LastGoodRungOptions;
  readonly #deps: LastGoodRungDeps;
  /** Oldest first. */
  readonly #entries = new Map<string, Entry>();
  /** The member of a request that is its own; elsewhere a feature may bear that name. */
  readonly #id: string | undefined;
  #bytes = 0;

  constructor(options: LastGoodRungOptions, deps: LastGoodRungDeps) {
    this.name = options.name;
    this.#options = options;
    this.#deps = deps;
    this.#id = deps.protocol.name === "open-inference" ? "id" : undefined;
  }

  /** It holds an answer to something. */
  get ready(): boolean {
    this.#forget();
    return this.#entries.size > 0;
  }

  /** Keeps an answer of the primary. Cost: one pass over the question's body, about 7 microseconds for 200 bytes. */
  remember(question: Question, { status, headers, body, version }: GoodAnswer): void {
    const { entries, size, bodyMax } = this.#options;
    if (status !== 200 || question.body.length > bodyMax || body.length > bodyMax || [headers["cache-control"], question.headers["cache-control"]].some((said) => String(said ?? "").includes("no-store"))) return;
    const { key, id } = this.#keyOf(question);
    const kept = Object.fromEntries(keptHeaders.flatMap((name) => (headers[name] === undefined ? [] : [[name, headers[name]]])));
    const echoes = id !== undefined && kept["content-encoding"] === undefined && this.#idOf(body).id === id;
    this.#remove(key);
    const entry: Entry = { status, headers: kept, body: Buffer.from(body), version, atMs: this.#deps.clock.monotonicMs(), bytes: body.length + overheadBytes, echoes };
    this.#entries.set(key, entry);
    this.#bytes += entry.bytes;
    this.#forget();
    let evicted = 0;
    for (const oldest of this.#entries.keys()) {
      if (this.#entries.size <= entries && this.#bytes <= size) break;
      this.#remove(oldest);
      evicted += 1;
    }
    if (evicted > 0) this.#deps.dropped("last-good", evicted);
  }

  answer(question: Question): Promise<RungAnswer> {
    return Promise.resolve(this.#answer(question));
  }

  #answer(question: Question): RungAnswer {
    this.#forget();
    if (question.body.length > this.#options.bodyMax) return { outcome: "unsupported", detail: `the request has more than ${this.#options.bodyMax} bytes` };
    const { key, id } = this.#keyOf(question);
    const entry = this.#entries.get(key);
    if (entry === undefined) return { outcome: "unsupported", detail: "the primary has not answered this input of late" };
    const { status, headers, body, version, atMs, echoes } = entry;
    const encoding = headers["content-encoding"];
    if (encoding !== undefined && !String(question.headers["accept-encoding"] ?? "").includes(encoding)) return { outcome: "unsupported", detail: `its answer is kept as ${encoding}, which the client does not take` };
    const age = { age: String(Math.floor((this.#deps.clock.monotonicMs() - atMs) / 1_000)) };
    if (encoding !== undefined || this.#id === undefined || (id === undefined && !echoes)) return { outcome: "ok", status, headers: { ...headers, ...age }, body, version };
    const changed = withMember(body, this.#id, id);
    const head = headers["inference-header-content-length"];
    const length: Record<string, string> = head === undefined ? {} : { "inference-header-content-length": String(Number(head) + changed.length - body.length) };
    return { outcome: "ok", status, headers: { ...headers, ...length, ...age }, body: changed, version };
  }

  #keyOf({ method, path, headers, body }: Question): { readonly key: string; readonly id: string | undefined } {
    const { text, id } = this.#idOf(body);
    const framing = `${String(headers["content-encoding"] ?? "")} ${String(headers["inference-header-content-length"] === "0")}`;
    return { key: hash("sha256", Buffer.from(`${method} ${path}\n${framing}\n${text}`, "latin1"), "base64"), id };
  }

  #idOf(body: Buffer): { readonly text: string; readonly id: string | undefined } {
    const { text, left } = canonical(body, this.#id);
    return { text, id: left && body.toString("latin1", left.value.start, left.value.end) };
  }

  /** Lets go of what is too old. */
  #forget(): void {
    const sinceMs = this.#deps.clock.monotonicMs() - this.#options.ttl;
    for (const [key, { atMs }] of this.#entries) {
      if (atMs > sinceMs) return;
      this.#remove(key);
    }
  }

  #remove(key: string): void {
    const entry = this.#entries.get(key);
    if (entry === undefined) return;
    this.#entries.delete(key);
    this.#bytes -= entry.bytes;
  }
}
