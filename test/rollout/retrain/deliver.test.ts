/** A request reaches its target in the end, or it is said why not. Sockets are real, waits are the clock's. */
import { expect, test } from "vitest";
import { FakeClock } from "../../fake-clock.ts";
import { ask } from "../../../agent/forward/ask.ts";
import { deliver, type Attempted, type Delivery } from "../../../agent/rollout/retrain/deliver.ts";
import { receiver, until } from "./receiver.ts";

function sending(url: string, more: Partial<Delivery> = {}, made = 0) {
  const clock = new FakeClock();
  const told: Attempted[] = [];
  const cancel = deliver({ url, method: "POST", headers: { "x-key": "header-secret" }, body: '{"id":1}', timeoutMs: 10_000_000, retries: 5, secrets: ["header-secret"], isTaken: (status) => status < 300, ...more }, { clock, ask, told: (one) => told.push(one) }, made);
  return { clock, told, cancel };
}

test("a target that is down is asked again until it is up, with growing pauses and the same words", async () => {
  const first = await receiver();
  await first.close();
  const { clock, told } = sending(first.url);
  await until(() => told.length === 1);
  clock.advance(2_000);
  await until(() => told.length === 2);
  clock.advance(1_400);
  expect(told.map(({ state, attempts }) => [state, attempts])).toEqual([["waiting", 1], ["waiting", 2]]);
  expect(told[0]?.detail).toContain("refused");
  const again = await receiver(undefined, first.port);
  clock.advance(1_200);
  await until(() => told.length === 3);
  expect(told[2]).toEqual({ state: "done", attempts: 3, detail: "status 202" });
  expect(again.received.map(({ body }) => body)).toEqual([{ id: 1 }]);
  expect(clock.pending).toBe(0);
});

test("a refusal is final, a server that breaks is not, and after the last attempt it is given up", async () => {
  const { url, received } = await receiver(({ path }, nth) => (path === "/bad" ? [422, "no such dag"] : nth % 2 === 0 ? [503] : [500]));
  const refused = sending(`${url}/bad`);
  await until(() => refused.told.length === 1);
  expect(refused.told).toEqual([{ state: "refused", attempts: 1, detail: "status 422: no such dag" }]);
  refused.clock.advance(10_000_000);
  expect(received).toHaveLength(1);
  const broken = sending(url, { retries: 2 });
  for (const attempts of [1, 2, 3]) {
    await until(() => broken.told.length === attempts);
    broken.clock.advance(10_000);
  }
  expect(broken.told.map(({ state }) => state)).toEqual(["waiting", "waiting", "given-up"]);
  expect(broken.clock.pending).toBe(0);
});

test("a target that says when to come again is asked then", async () => {
  const { url } = await receiver((_, nth) => (nth === 1 ? [429, "", { "retry-after": "120" }] : [200]));
  const { clock, told } = sending(url);
  await until(() => told.length === 1);
  clock.advance(119_000);
  expect(clock.pending).toBe(1);
  clock.advance(1_000);
  await until(() => told.length === 2);
  expect(told.at(-1)?.state).toBe("done");
});

test("no token, header or address is told, though the target repeats them; a token is read anew each time", async () => {
  const tokens = ["first-token", "second-token"];
  const { url, received } = await receiver(({ headers }, nth) => [nth === 1 ? 500 : 400, `you sent ${String(headers["authorization"])} and ${String(headers["x-key"])}`.padStart(260)]);
  const { clock, told } = sending(`${url}/?key=query-secret`, { token: async () => tokens.shift() as string });
  await until(() => told.length === 1);
  clock.advance(2_000);
  await until(() => told.length === 2);
  expect(received.map(({ headers }) => headers["authorization"])).toEqual(["Bearer first-token", "Bearer second-token"]);
  expect(told.map(({ state }) => state)).toEqual(["waiting", "refused"]);
  expect(JSON.stringify(told)).toContain("you sent");
  expect(JSON.stringify(told)).not.toMatch(/token"|first-token|second-token|header-secret|query-secret/);
});

test("a token that can not be read is an attempt, and what was cancelled says nothing more", async () => {
  const { url, received } = await receiver();
  const { clock, told, cancel } = sending(url, { token: () => Promise.reject(new Error("/run/secret: gone")) });
  await until(() => told.length === 1);
  expect(told).toEqual([{ state: "waiting", attempts: 1, detail: "its token can not be read" }]);
  cancel();
  clock.advance(1_000_000);
  expect([received.length, clock.pending, told.length]).toEqual([0, 0, 1]);
});

test("attempts that were made before a restart count", async () => {
  const { url } = await receiver(() => [500]);
  const { told } = sending(url, { retries: 5 }, 5);
  await until(() => told.length === 1);
  expect(told[0]).toMatchObject({ state: "given-up", attempts: 6 });
});
