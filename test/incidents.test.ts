/** What is on record after a page: the seconds before it, and a minute later those after it too. */
import { expect, test } from "vitest";
import { incidents } from "../agent/incidents.ts";
import { silent } from "../agent/log.ts";
import { instruments } from "../exporters/instruments.ts";
import { Meter } from "../exporters/meter.ts";
import { recordingDocument, type RecordingDocument } from "../exporters/recording.ts";
import type { RolloutSignal, StateSignal } from "../exporters/signal.ts";
import { FakeClock } from "./fake-clock.ts";

const startMs = Date.UTC(2026, 0, 1);
const target = { model: "employment", version: "2", endpoint: "http://127.0.0.1:8080" };
const cause = { detector: "traffic", code: "refused", evidence: "5 requests in a row failed: refused" } as const;
const state = (status: StateSignal["status"]): StateSignal => ({ type: "state", target, status, rung: "small", reason: "circuit-open", cause, sinceWallMs: startMs, rev: 1 });

/** A second is as many requests in flight as it is old. */
function recorded() {
  const clock = new FakeClock(startMs);
  const meter = new Meter(clock);
  const written: { readonly id: string; readonly document: RecordingDocument }[] = [];
  const recordings = {
    write: async (id: string, pieces: Iterable<string>) => (written.push({ id, document: recordingDocument.parse(JSON.parse([...pieces].join(""))) }), true),
    list: async () => [],
    read: async () => undefined,
  };
  const incident = incidents({ clock, meter, log: silent, version: "1", instance: "pod-7", recordings });
  const close = incident.start();
  const active = meter.gauge(instruments.activeRequests, {});
  let now = 0;
  return {
    incident, written, close,
    seconds: async (count: number) => {
      for (let i = 0; i < count; i += 1) {
        active.set((now += 1));
        clock.advance(1_000);
      }
      for (let i = 0; i < 10; i += 1) await Promise.resolve();
    },
  };
}

const levels = ({ series }: RecordingDocument) => series.find(({ name }) => name === instruments.activeRequests.name)?.values;
const counting = (from: number, to: number) => Array.from({ length: to - from + 1 }, (_, i) => from + i);

test("a page is written down with the seconds before it and what happened, and a minute later with what came after", async () => {
  const { incident, written, seconds, close } = recorded();
  await seconds(120);
  incident.signal({ type: "transition", target, from: "healthy", to: "failed", rung: "small", reason: "circuit-open", cause, atWallMs: startMs + 120_000 });
  incident.signal(state("failed"));
  await seconds(0);
  expect(written.map(({ id }) => id)).toEqual(["20260101T000200Z-PilotfishFailover"]);
  const [{ document: first }] = written as [(typeof written)[number]];
  expect(first).toMatchObject({ version: "1", instance: "pod-7", at: "2026-01-01T00:02:00.000Z", page: { name: "PilotfishFailover" } });
  expect(levels(first)).toEqual(counting(1, 120));
  expect(first.times).toEqual(counting(1, 120).map((second) => startMs + 1_000 * second));
  expect(first.events).toMatchObject([{ what: "transition", at: "2026-01-01T00:02:00.000Z", text: expect.stringContaining("healthy -> failed, small answers") as string }]);

  await seconds(60);
  expect(written.map(({ id }) => id)).toEqual([first.id, first.id]);
  expect(levels(written[1]?.document as RecordingDocument)).toEqual(counting(1, 180));
  await close();
  expect(written).toHaveLength(2);
});

test("a quarter of an hour is kept and no more, each second of it", async () => {
  const { incident, written, seconds, close } = recorded();
  await seconds(2_000);
  incident.signal(state("failed"));
  await seconds(0);
  expect(levels(written[0]?.document as RecordingDocument)).toEqual(counting(1_101, 2_000));
  await close();
});

test("a page that goes on is no second one; one that comes back is, and an end in between writes what there is", async () => {
  const { incident, written, seconds, close } = recorded();
  await seconds(5);
  incident.signal(state("failed"));
  incident.signal(state("probation"));
  await seconds(100);
  expect(new Set(written.map(({ id }) => id)).size).toBe(1);
  incident.signal(state("healthy"));
  await seconds(100);
  incident.signal(state("failed"));
  await seconds(10);
  await close();
  expect(new Set(written.map(({ id }) => id)).size).toBe(2);
  expect(levels(written.at(-1)?.document as RecordingDocument)?.at(-1)).toBe(215);
});

test("a rollout that was aborted for harm is put on record, with its steps and the versions among what happened; the next one too", async () => {
  const { incident, written, seconds, close } = recorded();
  const rollout = (phase: RolloutSignal["phase"], weight: number): RolloutSignal => ({ type: "rollout", target, rollout: "r1", candidate: "version 3", phase, reason: phase === "aborted" ? "harm" : "step", step: 1, steps: 2, weight, message: "m", atWallMs: startMs });
  await seconds(1);
  incident.signal({ type: "version", target, from: undefined, to: { version: "2", digest: undefined, reference: undefined }, message: "version 2 serves", atWallMs: startMs });
  incident.signal(rollout("trying", 0.05));
  await seconds(3);
  incident.signal(rollout("aborted", 0));
  await seconds(70);
  expect(written.at(-1)?.document).toMatchObject({
    page: { name: "PilotfishRolloutAborted" },
    events: [{ what: "version", text: "version 2 serves" }, { what: "rollout", text: "version 3 trying (step) at 5 %: m" }, { what: "rollout", text: "version 3 aborted (harm) at 0 %: m" }],
  });
  incident.signal(rollout("trying", 0.05));
  incident.signal(rollout("aborted", 0));
  await close();
  expect(new Set(written.map(({ id }) => id)).size).toBe(2);
});
