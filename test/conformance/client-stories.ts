/**
 * What a client must live through. Each story starts the program anew against a scripted publisher; at its end the client's view
 * equals the publisher's. A story rejects where it does not, and says what was seen.
 */
import { once } from "node:events";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { ClientProgram } from "./client-program.ts";
import { leaseMs, ScriptedPublisher, target, type Heard, type Link } from "./scripted-publisher.ts";

export interface Stage {
  readonly publisher: ScriptedPublisher;
  readonly client: ClientProgram;
}

export interface Story {
  readonly name: string;
  /** Where it begins with something known: before the client is started. */
  readonly before?: (publisher: ScriptedPublisher) => void;
  readonly play: (stage: Stage) => Promise<void>;
  readonly env?: Readonly<Record<string, string>>;
  /** Has a token, and this is where to find it. */
  readonly token?: boolean;
}

const patienceMs = 15_000;
const healthy = (publisher: ScriptedPublisher) => void publisher.state("healthy");

export const stories: readonly Story[] = [
  {
    name: "it knows the snapshot, and what follows: states, directives, drifts, and what is taken back",
    before(publisher) {
      publisher.state("healthy");
      publisher.directive("drain");
      publisher.drift("firing");
    },
    async play({ publisher, client }) {
      await client.shows(publisher.view());
      publisher.state("failed", undefined, "small");
      publisher.directive("eject");
      publisher.directive("route", { rung: "small" });
      publisher.directive("split", { weights: { "1": 0.9, "2": 0.1 } });
      publisher.directive("hold", { rung: "small" });
      await client.shows(publisher.view());
      publisher.directive("route", { rung: "other" });
      publisher.directive("restore", { of: ["drain", "split"] });
      publisher.drift("resolved");
      await client.shows(publisher.view());
    },
  },
  {
    name: "a rollout is known from the snapshot on, through its steps, and is over with its last word; who follows none loses nothing by it",
    before(publisher) {
      publisher.state("healthy");
      publisher.rollout("r1", "trying", 0.05);
    },
    async play({ publisher, client }) {
      const link = await publisher.link();
      await client.shows(publisher.view());
      publisher.other("version", { target: target(), from: { version: "1" }, to: { version: "2", digest: "sha256:00" }, message: "version 2 serves", at: "2026-01-01T00:00:00.000Z" });
      publisher.rollout("r1", "trying", 0.1);
      publisher.rollout("r2", "asking", 0.5, "another");
      await client.shows(publisher.view());
      publisher.rollout("r1", "promoted", 1);
      publisher.rollout("r2", "aborted", 0, "another");
      publisher.state("suspect");
      await client.shows(publisher.view());
      expectThat(publisher.links.has(link), "the connection did not last");
    },
  },
  {
    name: "a rollout that ended while the connection was gone is not in the snapshot, and so is over",
    before(publisher) {
      publisher.state("healthy");
      publisher.rollout("r1", "trying", 0.05);
    },
    async play({ publisher, client }) {
      await publisher.link();
      await client.shows(publisher.view());
      publisher.cut();
      publisher.unsent(() => {
        publisher.rollout("r1", "aborted", 0);
        publisher.forgetHistory();
      });
      await client.shows(publisher.view());
    },
  },
  {
    name: "it offers the subprotocol and says a hello of version 1",
    async play({ publisher }) {
      const { socket, hello } = await publisher.link();
      expectThat(socket.protocol === "pilotfish.v1+json", `offered ${socket.protocol}`);
      const versions = hello["versions"] as { min: number; max: number } | undefined;
      expectThat(versions === undefined || (versions.min <= 1 && versions.max >= 1), `speaks ${JSON.stringify(versions)}`);
    },
  },
  {
    name: "restart of the connection: it comes back with its cursor and gets only what it missed",
    before: healthy,
    async play({ publisher, client }) {
      await publisher.link();
      await client.shows(publisher.view());
      publisher.cut();
      publisher.unsent(() => {
        publisher.state("failed", undefined, "small");
        publisher.directive("eject");
      });
      const { hello } = await publisher.link();
      expectThat(hello["cursor"] === "epoch-1:1", `came back with the cursor ${String(hello["cursor"])}`);
      await client.shows(publisher.view());
    },
  },
  {
    name: "gap: a number that is missing makes it come back, for what it lost",
    before: healthy,
    async play({ publisher, client }) {
      await publisher.link();
      await client.shows(publisher.view());
      publisher.unsent(() => publisher.state("suspect"));
      publisher.directive("drain");
      await publisher.link();
      await client.shows(publisher.view());
    },
  },
  {
    name: "gap: one that shows only in a heartbeat, too",
    before: healthy,
    async play({ publisher, client }) {
      await publisher.link();
      await client.shows(publisher.view());
      publisher.unsent(() => publisher.directive("drain"));
      await client.shows(publisher.view());
    },
  },
  {
    name: "gap: told that its cursor is too old it forgets what is no more",
    before(publisher) {
      publisher.state("healthy", "one");
      publisher.state("healthy", "two");
      publisher.directive("drain", {}, "one");
    },
    async play({ publisher, client }) {
      await publisher.link();
      await client.shows(publisher.view());
      publisher.cut();
      publisher.unsent(() => {
        publisher.directive("restore", { of: ["drain"] }, "one");
        for (let i = 0; i < 10; i += 1) publisher.state("suspect", "two");
        publisher.forgetHistory();
      });
      await client.shows(publisher.view());
    },
  },
  {
    name: "epoch change: another run counts anew, from lower numbers",
    before(publisher) {
      for (let i = 0; i < 20; i += 1) publisher.state(i % 2 === 0 ? "failed" : "healthy");
      publisher.directive("eject");
      publisher.state("healthy", "gone");
    },
    async play({ publisher, client }) {
      await publisher.link();
      await client.shows(publisher.view());
      publisher.restart();
      publisher.state("suspect");
      publisher.directive("drain");
      await client.shows(publisher.view());
      publisher.state("healthy");
      publisher.directive("restore", { of: ["drain"] });
      await client.shows(publisher.view());
    },
  },
  {
    name: "duplicates: frames that it had come again, and change nothing",
    before: healthy,
    async play({ publisher, client }) {
      await publisher.link();
      const frames = [publisher.directive("drain"), publisher.state("failed"), publisher.directive("restore", { of: ["drain"] }), publisher.rollout("r1", "trying", 0.05), publisher.rollout("r1", "promoted", 1), publisher.state("healthy")];
      publisher.send(...frames, ...frames);
      publisher.drift("firing");
      await client.shows(publisher.view());
    },
  },
  {
    name: "reorder: a later frame before an earlier one ends in the later state",
    before: healthy,
    async play({ publisher, client }) {
      await publisher.link();
      await client.shows(publisher.view());
      let late: ReturnType<ScriptedPublisher["state"]>[] = [];
      publisher.unsent(() => (late = [publisher.state("failed"), publisher.directive("drain"), publisher.state("probation"), publisher.directive("restore", { of: ["drain"] })]));
      publisher.send(...late.toReversed());
      await client.shows(publisher.view());
    },
  },
  {
    name: "10,000 targets: in a snapshot, and changed one by one",
    before(publisher) {
      for (let i = 0; i < 10_000; i += 1) publisher.state("healthy", `model-${i}`);
    },
    async play({ publisher, client }) {
      await client.shows(publisher.view());
      for (let i = 0; i < 10_000; i += 100) publisher.state("failed", `model-${i}`, "small");
      publisher.directive("eject", {}, "model-0");
      await client.shows(publisher.view());
    },
  },
  {
    name: "a publisher that is silent past the lease is not believed any more; once it speaks, it is",
    before(publisher) {
      publisher.state("healthy");
      publisher.directive("drain");
      publisher.drift("firing");
    },
    async play({ publisher, client }) {
      await publisher.link();
      await client.shows(publisher.view());
      publisher.silent = true;
      await client.shows({});
      publisher.silent = false;
      await client.shows(publisher.view());
    },
  },
  {
    name: "heartbeats alone renew the leases",
    before: healthy,
    async play({ publisher, client }) {
      const link = await publisher.link();
      if (!(link.hello["features"] as string[] | undefined)?.includes("renew")) return; // It is renewed by frames.
      await client.shows(publisher.view());
      await sleep(2 * leaseMs);
      await client.shows(publisher.view());
      expectThat(publisher.links.has(link), "the connection did not last");
    },
  },
  {
    name: "SIGSTOP past the lease: once it runs again it knows what is so now",
    before: healthy,
    async play({ publisher, client }) {
      await publisher.link();
      await client.shows(publisher.view());
      client.signal("SIGSTOP");
      await sleep(1.5 * leaseMs);
      publisher.state("failed", undefined, "small");
      publisher.directive("eject");
      publisher.directive("route", { rung: "small" });
      client.signal("SIGCONT");
      await client.shows(publisher.view());
    },
  },
  {
    name: "wall clock jumping an hour, on either side: leases hold and lapse as before",
    before: healthy,
    env: {
      NODE_OPTIONS: `--import ${join(import.meta.dirname, "jumping-clock.mjs")}`,
      PYTHONPATH: join(import.meta.dirname, "jumping-clock"),
    },
    async play({ publisher, client }) {
      await client.shows(publisher.view());
      publisher.wallJumpMs = 3_600_000;
      publisher.state("suspect");
      await sleep(leaseMs);
      await client.shows(publisher.view());
      publisher.wallJumpMs = -3_600_000;
      publisher.state("healthy");
      await client.shows(publisher.view());
      publisher.silent = true;
      await client.shows({});
    },
  },
  {
    name: "slow reader: the latest of each target and a bookmark take the place of 5,000 signals",
    before: healthy,
    async play({ publisher, client }) {
      const link = await publisher.link();
      await client.shows(publisher.view());
      publisher.unsent(() => {
        for (let i = 0; i < 5_000; i += 1) publisher.state(i % 2 === 0 ? "failed" : "healthy", `model-${i % 3}`);
        publisher.directive("drain", {}, "model-1");
      });
      if ((link.hello["features"] as string[] | undefined)?.includes("bookmark") === true) publisher.conflate(link);
      else publisher.cut();
      publisher.state("isolated");
      await client.shows(publisher.view());
    },
  },
  {
    name: "unknown kinds, fields and topics of a later version are passed over, numbers and all",
    before: healthy,
    async play({ publisher, client }) {
      const link = await publisher.link();
      await client.shows(publisher.view());
      publisher.other("weather", { sky: "blue" });
      publisher.strangers = [{ of: ["rain"], target: { model: "employment", endpoint: "http://127.0.0.1:8080" } }, { of: ["snow"] }];
      publisher.send({ kind: "rumour", body: { of: ["rain"] } });
      for (const { socket } of publisher.links) socket.send("{\"v\":1,\"kind\":\"");
      publisher.state("failed");
      await client.shows(publisher.view());
      expectThat(publisher.links.has(link), "the connection did not last");
      publisher.cut();
      publisher.unsent(() => {
        publisher.state("probation");
        publisher.forgetHistory();
      });
      await client.shows(publisher.view()); // From a snapshot with strangers in it.
    },
  },
  {
    name: "ack: it says up to where it read, and which directives it applied",
    before: healthy,
    async play({ publisher, client }) {
      const link = await publisher.link();
      if (!(link.hello["features"] as string[] | undefined)?.includes("ack")) return;
      const { seq, body } = publisher.directive("drain");
      await client.shows(publisher.view());
      await says(link, "an ack of the drain", ({ kind, body: { upTo, applied } }) =>
        kind === "ack" && upTo === seq && (applied as Record<string, number> | undefined)?.["employment@http://127.0.0.1:8080"] === body["rev"]);
    },
  },
  {
    name: "nack: what it can not do it says so, and keeps to what it did",
    before: healthy,
    async play({ publisher, client }) {
      const link = await publisher.link();
      if (!(link.hello["features"] as string[] | undefined)?.includes("ack")) return;
      const first = publisher.directive("route", { rung: "small" });
      await client.shows(publisher.view());
      const kept = publisher.view();
      const refused = publisher.directive("route", { rung: "refuse-me" });
      await says(link, "a nack that keeps the route", ({ kind, body }) => kind === "nack" && body["rev"] === refused.body["rev"] && body["code"] === "invalid" && body["keeping"] === first.body["rev"]);
      const unheardOf = publisher.directive("somersault");
      await says(link, "a nack of an action that nobody knows", ({ kind, body }) => kind === "nack" && body["rev"] === unheardOf.body["rev"] && body["code"] === "unsupported");
      await client.shows(kept);
      publisher.directive("route", { rung: "other" });
      publisher.unsent(() => publisher.directive("restore", { of: ["somersault"] }));
      await client.shows(publisher.view());
    },
  },
  {
    name: "heartbeats are echoed, so that the publisher may measure the way",
    before: healthy,
    async play({ publisher }) {
      const link = await publisher.link();
      await says(link, "an echo", ({ kind, body }) => kind === "heartbeat" && typeof body["echo"] === "number");
    },
  },
  {
    name: "goodbye: it comes back, and not before it was asked to",
    before: healthy,
    async play({ publisher, client }) {
      await publisher.link();
      await client.shows(publisher.view());
      const beforeMs = performance.now();
      publisher.goodbye(700);
      publisher.unsent(() => publisher.state("suspect"));
      await publisher.link();
      const tookMs = performance.now() - beforeMs;
      expectThat(tookMs >= 690, `it was back after ${tookMs} ms`);
      await client.shows(publisher.view());
    },
  },
  {
    name: "replaced by another run of its own it stays away, or the two would take turns for ever",
    before: healthy,
    async play({ publisher, client }) {
      const link = await publisher.link();
      await client.shows(publisher.view());
      link.socket.close(4009, "replaced");
      await once(link.socket, "close");
      await client.shows({}); // By its lease.
      expectThat(publisher.links.size === 0, "it came back");
    },
  },
  {
    name: "a token that expires is renewed in time, from where it was read",
    before: healthy,
    token: true,
    async play({ publisher, client }) {
      publisher.authExpiresInMs = 500;
      publisher.cut();
      let link = await publisher.link();
      if (link.socket.readyState !== link.socket.OPEN) link = await publisher.link();
      await says(link, "a new token", ({ kind, body }) => kind === "auth.refresh" && body["token"] === "a-token");
      await client.shows(publisher.view());
    },
  },
];

/** Plays one story. Rejects with what went wrong. */
export async function playStory(story: Story, command: readonly string[]): Promise<void> {
  await using publisher = await ScriptedPublisher.open();
  story.before?.(publisher);
  const folder = mkdtempSync(join(tmpdir(), "pilotfish-conformance-"));
  try {
    const tokenFile = join(folder, "token");
    writeFileSync(tokenFile, "a-token\n");
    await using client = new ClientProgram([...command, publisher.url, ...(story.token === true ? ["--token-file", tokenFile] : [])], story.env);
    await story.play({ publisher, client });
    await client.stays();
  } finally {
    rmSync(folder, { recursive: true });
  }
}

/** Kept once the subscriber has said it. */
async function says(link: Link, what: string, isIt: (heard: Heard) => boolean): Promise<void> {
  const deadline = AbortSignal.timeout(patienceMs);
  while (!link.heard.some(isIt)) {
    try {
      await once(link.socket, "message", { signal: deadline });
    } catch {
      throw new Error(`${what} did not come; it said ${JSON.stringify(link.heard.slice(-10))}`);
    }
  }
}

function expectThat(isSo: boolean, otherwise: string): void {
  if (!isSo) throw new Error(otherwise);
}
