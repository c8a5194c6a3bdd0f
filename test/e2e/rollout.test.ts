/**
 * The employment models go through a rollout as an operator would run it: real census rows at a steady rate, each user known by
 * a header, true answers a while later, the example server, the daemon as a process. The candidate with a mistake (version 3) is
 * rolled back by itself, the better one (version 2) is promoted; nobody's request fails, and no more users meet a candidate than
 * its weight says.
 */
import { expect, test } from "vitest";
import * as z from "zod";
import { ofSomeThousand } from "../../agent/cli/demo/rollout.ts";
import { startUsers } from "../../agent/cli/demo/users.ts";
import { systemClock } from "../../agent/clock.ts";
import { readRows } from "../../examples/employment/rows.ts";
import { addresses, inferPath, metricsText, runExample, startCommand, startPilotfish, startServer, type Addresses } from "./pilotfish.ts";
import { stageForTest, type Stage } from "./processes.ts";

const perSecond = 250;
/** How long after an answer its truth is known. */
const lateMs = 1_500;
const users = 4_000;

const rolloutDocument = z.object({
  rollout: z
    .object({
      id: z.string(), phase: z.string(), reason: z.string(), weight: z.number(), step: z.number(), message: z.string(),
      reading: z.object({ verdict: z.string(), harmed: z.array(z.string()), actuals: z.number() }).nullish(),
    })
    .nullable(),
});

/** What the steps deal out, and how long they are held here: minutes in earnest. */
const settings = [
  "rollout.key.header=x-user",
  "rollout.steps=[{weight: 0.1, hold: 3s, timeBox: 90s}, {weight: 0.5, hold: 3s, timeBox: 90s}]",
  "decisions.promotion.mode=automatic",
  ...ofSomeThousand,
];

async function traffic(at: Addresses) {
  const rows = await readRows("steady");
  return startUsers(
    {
      url: at.gateway, path: inferPath, rows, users, ratePerSecond: perSecond, deadlineMs: 5_000, lateMs, prefix: "rollout",
      async postActuals(actuals) {
        const posted = await fetch(`${at.api}/v1/actuals`, { method: "POST", headers: { "content-type": "application/json" }, body: JSON.stringify(actuals) });
        if (posted.status !== 202) throw new Error(`${posted.status}: ${await posted.text()}`);
      },
    },
    systemClock,
  );
}

async function rollout(at: Addresses): Promise<NonNullable<z.infer<typeof rolloutDocument>["rollout"]> | undefined> {
  return rolloutDocument.parse(await (await fetch(`${at.api}/v1/rollout`)).json()).rollout ?? undefined;
}

/** As a person does it; its exit code and what it printed. */
async function command(stage: Stage, at: Addresses, ...args: readonly string[]): Promise<{ readonly code: unknown; readonly text: string }> {
  const run = startCommand(stage, ["rollout", ...args, "--api", at.api]);
  const code = await run.exited;
  return { code, text: [...run.stdout, ...run.stderr].join("\n") };
}

const ended = async (at: Addresses) => {
  const now = await rollout(at);
  return (now?.phase === "promoted" || now?.phase === "aborted") && now;
};

test("the faulty candidate is rolled back by itself, the better one is promoted, and nobody's request fails", { timeout: 240_000 }, async () => {
  const stage = await stageForTest();
  const at = await addresses();
  await startServer(stage, at);
  await startPilotfish(stage, at, runExample(at, settings));
  const sent = await traffic(at);
  stage.later(() => sent.stop());
  await stage.eventually("the primary answers", 20_000, () => sent.served.length > 500);

  // Version 3 is not even loaded: that is a rollout's first work.
  const faulty = await command(stage, at, "start", "--version", "3", "--reason", "trained anew");
  expect(faulty).toMatchObject({ code: 0 });
  const from = sent.served.length;
  const harmed = await stage.eventually("the faulty candidate is judged", 100_000, () => ended(at));
  expect(harmed).toMatchObject({ phase: "aborted", reason: "harm", weight: 0, reading: { verdict: "harm" } });
  // Its answers come at once and look like any others: only what came true tells.
  expect(harmed.reading?.harmed).toEqual(["accuracy"]);
  const abortedAt = sent.served.length;
  await stage.eventually("traffic goes on", 10_000, () => sent.served.length > abortedAt + 500);

  const during = sent.served.slice(from, abortedAt);
  const met = new Set(during.filter(({ rung }) => rung === "candidate").map(({ user }) => user));
  const seen = new Set(during.map(({ user }) => user));
  // Dealt by the user's key: so many of them at most, and each stayed on its side.
  expect(met.size / seen.size).toBeLessThan(harmed.step === 1 ? 0.13 : 0.55);
  expect(met.size).toBeGreaterThan(0);
  const sticky = during.slice(Math.floor(during.length / 10)).filter(({ user, rung }) => met.has(user) && rung !== "candidate");
  if (harmed.step === 1) expect(sticky.length).toBe(0);
  // Requests that were under way when it was aborted may still have its answer, later ones not.
  expect(sent.served.slice(abortedAt + 100).filter(({ rung }) => rung === "candidate")).toEqual([]);

  const better = await command(stage, at, "start", "--version", "2");
  expect(better).toMatchObject({ code: 0 });
  const promoted = await stage.eventually("the better candidate is judged", 150_000, () => ended(at));
  expect(promoted).toMatchObject({ phase: "promoted", reason: "not-worse", weight: 1 });
  const promotedAt = sent.served.length;
  await stage.eventually("traffic goes on", 10_000, () => sent.served.length > promotedAt + 500);
  const after = sent.served.slice(promotedAt + 100);
  expect(after.filter(({ body }) => (JSON.parse(body) as { model_version: string }).model_version !== "2")).toEqual([]);

  await sent.stop();
  expect(sent.served.filter(({ failure }) => failure !== undefined)).toEqual([]);
  expect(sent.lost).toEqual([]);
  const text = await metricsText(at);
  expect(text).toMatch(/^pilotfish_rollouts_total\{.*result="aborted".*reason="harm".*\} 1$/m);
  expect(text).toMatch(/^pilotfish_rollouts_total\{.*result="promoted".*\} 1$/m);

  const status = await command(stage, at, "status");
  expect(status.code).toBe(0);
  expect(status.text).toContain("version 2");
});
