/** The conformance suite on our own: the publisher behind the control API, and both clients. */
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { api } from "../../agent/api/api.ts";
import { apiOptions } from "../../agent/api/options.ts";
import { signalRoutes } from "../../agent/api/signals.ts";
import { systemClock } from "../../agent/clock.ts";
import { silent } from "../../agent/log.ts";
import { signalHub, signalsOptions } from "../../exporters/websocket.ts";
import { playStory, stories } from "./client-stories.ts";
import { checks } from "./publisher-checks.ts";
import { clientFolder, isSkipped, python } from "./python-client.ts";

describe("the publisher", () => {
  const closes: (() => unknown)[] = [];
  let url: string;

  beforeAll(async () => {
    const hub = signalHub({ clock: systemClock, instance: "conformance", log: silent }, signalsOptions.parse({ heartbeat: "100ms", lease: "3s" }));
    const target = { model: "employment", version: "1", endpoint: "http://127.0.0.1:8080" };
    const cause = { detector: "traffic", code: "refused", evidence: "5 requests in a row failed: refused" };
    const fail = (rev: number) => hub.announce({ type: "state", target, status: "failed", rung: "small", reason: "circuit-open", cause, sinceWallMs: 0, rev });
    fail(1);
    hub.announce({ type: "directive", target, action: "eject", why: "its circuit is open", atWallMs: 0 });
    hub.announce({ type: "rollout", target, rollout: "r1", candidate: "version 2", phase: "trying", reason: "started", step: 1, steps: 3, weight: 0.05, message: "5 % go to version 2", atWallMs: 0 });
    hub.announce({ type: "version", target, from: undefined, to: { version: "1", digest: undefined, reference: undefined }, message: "version 1 serves", atWallMs: 0 });
    const { address, close } = await api(apiOptions.parse({ port: 0 }), {
      clock: systemClock, log: silent, ready: () => ({ ready: true, reasons: [] }), metrics: () => {}, audit: () => {}, answered: () => {}, dropped: () => {},
      routes: signalRoutes(hub), connect: hub.connect,
    }).start();
    // Something goes on, as in life.
    let rev = 1;
    const timer = setInterval(() => fail((rev += 1)), 300);
    closes.push(() => clearInterval(timer), () => hub.close("done"), close);
    url = `ws://127.0.0.1:${address.port}/v1/signals`;
  });
  afterAll(async () => {
    for (const close of closes) await close();
  });

  test.each(checks)("$name", ({ run }) => run({ url }));
});

describe("the TypeScript client", () => {
  test.each(stories)("$name", (story) => playStory(story, [process.execPath, "examples/clients/typescript/view.ts"]));
});

describe.skipIf(isSkipped)("the Python client", () => {
  test.each(stories)("$name", (story) => playStory(story, [python, `${clientFolder}/view.py`]));
});

test("a client that knows nothing does not pass", async () => {
  const [story] = stories;
  if (story === undefined) throw new Error("no stories");
  await expect(playStory(story, [process.execPath, "-e", "console.log('{}')"])).rejects.toThrow("the client shows {}");
});
