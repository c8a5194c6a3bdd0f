/** Who may be at work in the example server: the door, the queue, and what a client sees of either. */
import { Readable } from "node:stream";
import type { IncomingMessage } from "node:http";
import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { Metrics } from "../../examples/server/metrics.ts";
import { answer } from "../../examples/server/open-inference.ts";
import { Repository } from "../../examples/server/repository.ts";
import { Work } from "../../examples/server/work.ts";
import { models } from "./server-process.ts";

test("jobs run one at a time, in their order", async () => {
  const work = new Work(10);
  const steps: string[] = [];
  const first = Promise.withResolvers<void>();
  const jobs = [
    work.run(async () => {
      steps.push("first begins");
      await first.promise;
      steps.push("first ends");
    }),
    work.run(async () => void steps.push("second")),
  ];
  expect([steps, work.queued]).toEqual([["first begins"], 1]);
  first.resolve();
  await Promise.all(jobs);
  expect([steps, work.queued]).toEqual([["first begins", "first ends", "second"], 0]);
});

test("a job that throws fails alone", async () => {
  const work = new Work(10);
  const broken = work.run(() => Promise.reject(new Error("no")));
  const next = work.run(() => Promise.resolve(7));
  await expect(broken).rejects.toThrow("no");
  expect(await next).toEqual({ done: 7 });
});

test("a full queue takes no job, but a chore behind all jobs", async () => {
  const work = new Work(1);
  const first = Promise.withResolvers<number>();
  const running = work.run(() => first.promise);
  const waiting = work.run(() => Promise.resolve(2));
  expect(await work.run(() => Promise.resolve(3))).toBe("full");
  const chore = work.after(() => Promise.resolve(4));
  first.resolve(1);
  expect(await Promise.all([running, waiting, chore])).toEqual([{ done: 1 }, { done: 2 }, 4]);
});

test("a closed door keeps out who comes now, not who is in; it opens when every reason is taken back", async () => {
  const work = new Work(10);
  const inside = Promise.withResolvers<string>();
  const early = work.enter(() => inside.promise);
  let idle = false;
  work.drain("directive");
  work.drain("stop");
  const emptied = work.idle().then(() => (idle = true));
  expect(await work.enter(() => Promise.resolve("late"))).toBe("draining");
  expect([work.inProgress, idle]).toEqual([1, false]);
  inside.resolve("early");
  expect(await early).toBe("early");
  await emptied;
  work.resume("directive");
  expect(work.draining).toBe(true);
  work.resume("stop");
  expect(await work.enter(() => Promise.resolve("again"))).toBe("again");
});

test("a client that finds the queue full gets 503 and when to come back", async () => {
  const repository = await Repository.open(models);
  const metrics = new Metrics();
  const world = { repository, work: new Work(0), metrics, log: () => {}, bodyBytesMax: 100_000 };
  const body = readFileSync(new URL("../../examples/employment/known-request.json", import.meta.url));
  const request = Object.assign(Readable.from([body]), { method: "POST", url: "/v2/models/employment/infer", headers: {} });
  expect(await answer(world, request as unknown as IncomingMessage)).toEqual({
    status: 503,
    headers: { "content-type": "application/json", "retry-after": "1" },
    body: '{"error":"the queue is full"}',
  });
  expect(metrics.text(world.work)).toContain('server_requests_total{code="503"} 1\n');
});
