/** Batches on their way to a Collector that is away, slow, rude or back again; each batch is its number. */
import { beforeEach, expect, test } from "vitest";
import { silent, type Log } from "../../agent/log.ts";
import { Delivery, retryAfterMs, type PostAnswer } from "../../exporters/otlp/delivery.ts";
import { memorySpool, type Batch, type Spool } from "../../exporters/otlp/spool.ts";
import { FakeClock } from "../fake-clock.ts";

const batch = (number: number): Batch => ({ body: Uint8Array.of(number), items: 1 });
const answer = (status: number | undefined, retryAfter?: string): PostAnswer => ({ status, retryAfter, body: new Uint8Array(0), detail: status === undefined ? "refused" : `status ${status}` });

let clock: FakeClock;
let sent: number[];
let taken: number[];
let dropped: number;
let logged: string[];
let answers: () => PostAnswer | Promise<PostAnswer>;
let spool: Spool;

beforeEach(() => {
  clock = new FakeClock();
  sent = [];
  taken = [];
  dropped = 0;
  logged = [];
  answers = () => answer(200);
  spool = memorySpool(1_024, (_, items) => (dropped += items));
});

const log: Log = { ...silent, info: (_, message) => void logged.push(`info ${message}`), warn: (fields, message) => void logged.push(`warn ${message}: ${String(fields["detail"])}`) };

function delivery(): Delivery {
  return new Delivery("metrics", {
    clock, log, spool,
    rejectedIn: () => 0,
    dropped: (items) => (dropped += items),
    async post(_, body) {
      const [number] = body as unknown as [number];
      sent.push(number);
      const said = await answers();
      if (said.status === 200) taken.push(number);
      return said;
    },
  });
}

const settled = () => clock.advanceAsync(0, 1).then(async () => {
  for (let i = 0; i < 100; i += 1) await Promise.resolve();
});

test("what comes while one is being sent waits its turn", async () => {
  const out = delivery();
  for (let i = 1; i <= 5; i += 1) out.push(batch(i));
  await settled();
  expect(taken).toEqual([1, 2, 3, 4, 5]);
  expect([dropped, logged]).toEqual([0, []]);
});

test("an outage loses nothing and changes no order, and is said once when it begins and once when it is over", async () => {
  const out = delivery();
  out.push(batch(1));
  await settled();
  answers = () => answer(undefined);
  for (let i = 2; i <= 60; i += 1) {
    out.push(batch(i));
    await clock.advanceAsync(30_000, 1_000);
  }
  expect(taken).toEqual([1]);
  answers = () => answer(200);
  await clock.advanceAsync(90_000, 1_000);
  await settled();
  expect(taken).toEqual(Array.from({ length: 60 }, (_, i) => i + 1));
  expect([dropped, logged]).toEqual([0, ["warn OTLP exports fail: refused", "info OTLP exports arrive again"]]);
});

test("the pause between two tries doubles up to a minute", async () => {
  answers = () => answer(503);
  const out = delivery();
  out.push(batch(1));
  const atMs: number[] = [];
  for (let second = 0; second < 400; second += 1) {
    const before = sent.length;
    await clock.advanceAsync(1_000, 250);
    if (sent.length > before) atMs.push(second);
  }
  const pauses = atMs.slice(1).map((at, i) => at - (atMs[i] as number));
  // Seconds, with a quarter of chance to either side and one for the step of this loop.
  for (const [i, nominal] of [1, 2, 4, 8, 16, 32, 60, 60].entries()) {
    expect(pauses[i]).toBeGreaterThanOrEqual(0.75 * nominal - 1);
    expect(pauses[i]).toBeLessThanOrEqual(1.25 * nominal + 1);
  }
});

test("Retry-After is heeded: nothing is sent before", async () => {
  answers = () => answer(429, "40");
  const out = delivery();
  out.push(batch(1));
  await clock.advanceAsync(39_000, 1_000);
  expect(sent).toEqual([1]);
  await clock.advanceAsync(2_000, 1_000);
  expect(sent).toEqual([1, 1]);
});

test("Retry-After is seconds or a date, at most ten minutes of either", () => {
  const now = Date.UTC(2026, 0, 1);
  expect(retryAfterMs("5", now)).toBe(5_000);
  expect(retryAfterMs("Thu, 01 Jan 2026 00:01:00 GMT", now)).toBe(60_000);
  expect(retryAfterMs("Wed, 31 Dec 2025 00:01:00 GMT", now)).toBe(0);
  expect(retryAfterMs("86400", now)).toBe(600_000);
  expect([retryAfterMs("soon", now), retryAfterMs(undefined, now)]).toEqual([undefined, undefined]);
});

test.each([400, 401, 403, 404, 413, 500])("%i is not tried again: it is counted, and the next one goes out", async (status) => {
  answers = () => answer(sent.length === 1 ? status : 200);
  const out = delivery();
  out.push(batch(1));
  out.push(batch(2));
  await settled();
  expect([sent, taken, dropped]).toEqual([[1, 2], [2], 1]);
});

test.each([429, 502, 503, 504, undefined])("%s is tried again", async (status) => {
  answers = () => answer(sent.length === 1 ? status : 200);
  const out = delivery();
  out.push(batch(1));
  await clock.advanceAsync(2_000, 250);
  await settled();
  expect([sent, taken, dropped]).toEqual([[1, 1], [1], 0]);
});

test("what a run before this one left in the spool is sent first", async () => {
  spool.add("metrics", batch(1));
  spool.add("logs", batch(9));
  spool.add("metrics", batch(2));
  const out = delivery();
  out.push(batch(3));
  await settled();
  expect(taken).toEqual([1, 2, 3]);
  expect((await spool.oldest("logs"))?.body).toEqual(Uint8Array.of(9));
});

test("closing leaves in the spool what could not be sent, in order", async () => {
  const hanging = Promise.withResolvers<PostAnswer>();
  const out = delivery();
  out.push(batch(1));
  await settled();
  answers = () => hanging.promise;
  for (let i = 2; i <= 4; i += 1) out.push(batch(i));
  await settled();
  const closed = out.close(2_000);
  await settled();
  clock.advance(2_000);
  await closed;
  expect(clock.pending).toBe(0);
  answers = () => answer(200);
  delivery();
  await settled();
  expect(taken).toEqual([1, 2, 3, 4]);
});

test("closing during an outage does not wait", async () => {
  answers = () => answer(undefined);
  const out = delivery();
  out.push(batch(1));
  await settled();
  await out.close(2_000);
  expect(clock.pending).toBe(0);
});

test("beyond the spool's bound the oldest goes, and is counted", async () => {
  answers = () => answer(undefined);
  spool = memorySpool(3, (_, items) => (dropped += items));
  const out = delivery();
  for (let i = 1; i <= 5; i += 1) out.push(batch(i));
  await settled();
  answers = () => answer(200);
  await clock.advanceAsync(2_000, 250);
  await settled();
  expect([taken, dropped]).toEqual([[3, 4, 5], 2]);
});

test.each([200, 503])("a Collector that is slower than what comes (then answers %i) loses nothing and changes no order: the rest goes into the spool", async (status) => {
  const first = Promise.withResolvers<PostAnswer>();
  const out = delivery();
  await settled();
  answers = () => first.promise;
  for (let i = 1; i <= 40; i += 1) out.push(batch(i));
  await settled();
  expect(await spool.oldest("metrics")).toMatchObject({ body: Uint8Array.of(2) });
  answers = () => answer(200);
  first.resolve(answer(status));
  await settled();
  await clock.advanceAsync(2_000, 250);
  for (let i = 41; i <= 43; i += 1) out.push(batch(i));
  await settled();
  expect([taken, dropped]).toEqual([Array.from({ length: 43 }, (_, i) => i + 1), 0]);
});
