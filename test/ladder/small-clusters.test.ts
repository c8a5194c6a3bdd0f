/**
 * Clusters of three, where percentages of servers mislead, as others report it of proxies (repository#number): three replicas
 * behind one rung, each with a circuit of its own and no share of them to be kept.
 */
import { expect, test } from "vitest";
import type { LadderDeps } from "../../agent/ladder/ladder.ts";
import { FakeClock } from "../fake-clock.ts";
import { question, stage } from "./stage.ts";

const urls = ["http://a:1", "http://b:1", "http://c:1"];
const ask = question({ inputs: [] });

/** 20 questions a second, each of which takes 5 ms, to a rung of three replicas of which some fail, and a default behind it. */
async function play(fails: (host: string, nowMs: number) => boolean, minutes = 1) {
  const clock = new FakeClock();
  const asked: Record<string, number> = { a: 0, b: 0, c: 0 };
  const answers: Record<string, number> = { ok: 0 };
  const send: LadderDeps["send"] = (server) => {
    const host = server.hostname;
    asked[host] = (asked[host] ?? 0) + 1;
    const status = fails(host, clock.monotonicMs()) ? 500 : 200;
    clock.advance(5);
    return Promise.resolve({ ok: true, status, headers: { "content-type": "application/json" }, body: Buffer.from('{"outputs":[]}'), durationMs: 5 });
  };
  const { ladder, ask: askRung } = await stage([{ kind: "replica", urls }, { kind: "default", outputs: { y: 0.5 } }], undefined, clock, { send });
  for (let i = 0; i < 1_200 * minutes; i += 1) {
    const { outcome } = await askRung(ask);
    answers[outcome] = (answers[outcome] ?? 0) + 1;
    clock.advance(45);
  }
  return { asked, answers, usable: ladder.usable() };
}

test("gateway#8140: one of three is down, which a limit of 10 % would keep in rotation; it is left, and costs no answer", async () => {
  const { asked, answers, usable } = await play((host) => host === "a");
  expect(answers).toEqual({ ok: 1_200 });
  expect(asked["a"]).toBeLessThan(60);
  expect(usable).toContain("replica");
});

test("envoy#26877: two of three are down, of which a limit of 50 % must choose one; both are left, and the third answers all", async () => {
  const { asked, answers } = await play((host) => host !== "c");
  expect(answers["ok"]).toBeGreaterThanOrEqual(1_190);
  expect((asked["a"] ?? 0) + (asked["b"] ?? 0)).toBeLessThan(120);
});

test("envoy#27066: all three fail, and are all left: that is no outage, since the rung below takes over, and each is tried again", async () => {
  const mendedAtMs = 30_000;
  const down = await play(() => true);
  expect(down.usable).toEqual(["default"]);
  expect(Object.values(down.asked).reduce((sum, count) => sum + count, 0)).toBeLessThan(180);
  const mended = await play((_, nowMs) => nowMs < mendedAtMs, 3);
  expect(mended.usable).toEqual(["replica", "default"]);
  for (const host of ["a", "b", "c"]) expect(mended.asked[host]).toBeGreaterThan(500);
});
