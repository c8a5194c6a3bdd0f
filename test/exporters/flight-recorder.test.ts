import fc from "fast-check";
import { expect, test } from "vitest";
import { FlightLevels, quantileOf } from "../../exporters/flight-levels.ts";
import { FlightRecorder, type Level } from "../../exporters/flight-recorder.ts";
import { instruments } from "../../exporters/instruments.ts";
import { Meter } from "../../exporters/meter.ts";
import { isRecordingId, recordingDocument, recordingId, recordingPieces } from "../../exporters/recording.ts";
import { timeLine } from "../../exporters/time-line.ts";
import { FakeClock } from "../fake-clock.ts";

const level = (name: string, value: number): Level => ({ name, labels: {}, unit: "", value });

test("it holds the latest seconds in order, however long it runs", () => {
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 20 }), fc.integer({ min: 0, max: 70 }), (seconds, samples) => {
      const ring = new FlightRecorder({ seconds });
      for (let i = 0; i < samples; i += 1) ring.sample(1_000 * i, [level("a", i)]);
      const wanted = Array.from({ length: Math.min(seconds, samples) }, (_, i) => Math.max(0, samples - seconds) + i);
      const { timesMs, series } = ring.recorded();
      expect([...timesMs]).toEqual(wanted.map((i) => 1_000 * i));
      expect([...(series[0]?.values ?? [])]).toEqual(samples === 0 ? [] : wanted);
    }),
  );
});

test("a series that is not there for some seconds has none of its old values in their place", () => {
  const ring = new FlightRecorder({ seconds: 3 });
  ring.sample(0, [level("a", 1)]);
  ring.sample(1, [level("a", 2), level("b", 9)]);
  ring.sample(2, []);
  ring.sample(3, [level("b", 8)]);
  expect(ring.recorded().series.map(({ name, values }) => [name, ...values])).toEqual([["a", 2, Number.NaN, Number.NaN], ["b", 9, Number.NaN, 8]]);
});

test("its memory is bounded, and said: 256 series of 15 minutes are 929 KB; one that fell silent gives way, one more is counted", () => {
  const ring = new FlightRecorder();
  const many = Array.from({ length: 256 }, (_, i) => level(`series-${i}`, i));
  ring.sample(0, many);
  expect(ring.bytes()).toBe(256 * 900 * 4 + 900 * 8);
  ring.sample(1, [...many, level("one more", 1)]);
  expect(ring.dropped).toBe(1);
  for (let i = 0; i < 900; i += 1) ring.sample(2 + i, many.slice(1));
  ring.sample(1_000, [level("one more", 1)]);
  expect(ring.dropped).toBe(1);
  expect(ring.bytes()).toBe(256 * 900 * 4 + 900 * 8);
});

test("events are bounded, and those older than the ring are not told", () => {
  const ring = new FlightRecorder({ seconds: 2, eventsMax: 2 });
  for (let i = 0; i < 4; i += 1) ring.event({ atWallMs: i, what: "transition", text: String(i) });
  ring.sample(3, []);
  expect(ring.recorded().events.map(({ text }) => text)).toEqual(["3"]);
});

test("totals become rates, latencies the last second's quantiles, levels stay; the rest of the catalogue is left out", () => {
  const clock = new FakeClock();
  const meter = new Meter(clock);
  const requests = meter.counter(instruments.requests, { model: "m", rung: "primary", reason: "normal", outcome: "ok" });
  const duration = meter.histogram(instruments.requestDuration, { model: "m", rung: "primary", outcome: "ok" });
  meter.gauge(instruments.loopDelay, {}).set(0.004);
  meter.gauge(instruments.hostInfo, { cpu: "", cores: "", os: "", arch: "" }).set(1);
  const levels = new FlightLevels();
  levels.take(meter.families(), 0);
  requests.add(30);
  for (let i = 0; i < 10; i += 1) duration.record(0.007);
  const found = levels.take(meter.families(), 2_000);
  const of = (name: string) => found.filter((one) => one.name === name).map(({ value }) => value);
  expect(of(instruments.requests.name)).toEqual([15]);
  expect(of(instruments.loopDelay.name)).toEqual([0.004]);
  // All ten in the bucket from 5 to 10 ms: linear in it.
  expect(of(instruments.requestDuration.name)).toEqual([0.0075, 0.00975, 0.00995].map((value) => expect.closeTo(value, 9) as number));
  expect(of(instruments.hostInfo.name)).toEqual([]);
  expect(levels.take(meter.families(), 3_000).filter(({ name }) => name === instruments.requestDuration.name)).toEqual([]);
});

test("the rate of what a collector reads holds between two readings, and a total that begins anew is no rate below 0", () => {
  const meter = new Meter(new FakeClock());
  const levels = new FlightLevels();
  const rates = [5, 5, 15, 15, 2, 3].map((value, second) => {
    meter.observe([{ instrument: instruments.cpuTime, labels: { container: "server" }, value }], 60_000);
    return levels.take(meter.families(), 1_000 * second).find(({ name }) => name === instruments.cpuTime.name)?.value;
  });
  expect(rates).toEqual([undefined, 0, 5, 5, 0, 1]);
});

test("a quantile is PromQL's: linear in its bucket, the last bound beyond it", () => {
  expect(quantileOf([0, 4, 0, 0], 4, [1, 2, 4], 0.5)).toBe(1.5);
  expect(quantileOf([1, 1, 1, 1], 4, [1, 2, 4], 0.75)).toBe(4);
  expect(quantileOf([0, 0, 0, 1], 1, [1, 2, 4], 0.5)).toBe(4);
});

const pageMs = Date.UTC(2026, 0, 1, 0, 5);

function recordedIncident(): string {
  const ring = new FlightRecorder();
  for (let second = 0; second < 330; second += 1) {
    const atWallMs = pageMs + 1_000 * (second - 300);
    const down = second >= 295;
    const labels = { model: "m", rung: down ? "none" : "primary", reason: "normal", outcome: down ? "refused" : "ok" };
    ring.sample(atWallMs, [
      { name: "pilotfish.gateway.requests", labels, unit: "{request}/s", value: 100 },
      ...(down ? [] : [{ name: "pilotfish.gateway.request.duration", labels: { ...labels, quantile: "0.99" }, unit: "s", value: 0.02 }]),
      { name: "pilotfish.failover.state", labels: { model: "m", state: "healthy" }, unit: "", value: down ? 0 : 1 },
      { name: "pilotfish.failover.state", labels: { model: "m", state: "failed" }, unit: "", value: down ? 1 : 0 },
      { name: "hw.temperature", labels: { gpu: "0" }, unit: "Cel", value: second > 270 ? 96 : 60 + (second % 3) },
    ]);
  }
  ring.event({ atWallMs: pageMs - 4_000, what: "transition", text: "healthy -> failed, none answers" });
  const page = { name: "PilotfishFailover", summary: "Predictions of model m are not answered by its primary", description: "it is failed" };
  const id = recordingId(pageMs, page.name);
  return [...recordingPieces({ id, version: "0.1.0", instance: "pod-7", page, atWallMs: pageMs }, ring.recorded())].join("");
}

test("a recording is one JSON document, in pieces of a series each", () => {
  const document = recordingDocument.parse(JSON.parse(recordedIncident()));
  expect(document).toMatchObject({ id: "20260101T000500Z-PilotfishFailover", at: "2026-01-01T00:05:00.000Z", instance: "pod-7", events: [{ what: "transition" }] });
  expect(document.times).toHaveLength(330);
  expect(new Set(document.series.map(({ values }) => values.length))).toEqual(new Set([330]));
  expect(document.series[0]?.values.slice(294, 297)).toEqual([100, null, null]);
});

test("an id is a time and a page's name, and nothing that could be a path", () => {
  expect(isRecordingId(recordingId(pageMs, "Pilotfish/../Drift"))).toBe(true);
  for (const bad of ["", "..", "../state.db", "20260101T000500Z-a/b", "20260101T000500Z-", "20260101T000500Z-a.json"]) expect([bad, isRecordingId(bad)]).toEqual([bad, false]);
});

test("the time line tells the minutes around the page, what happened, and what moved before it", () => {
  const lines = timeLine(recordingDocument.parse(JSON.parse(recordedIncident()))).split("\n");
  expect(lines[0]).toBe("PilotfishFailover at 2026-01-01T00:05:00.000Z: Predictions of model m are not answered by its primary");
  expect(lines).toContain("  -0:04  > transition: healthy -> failed, none answers");
  const row = (time: string) => lines.find((line) => line.startsWith(time))?.split(/ {2,}/).map((cell) => cell.trim()).filter((cell) => cell !== "");
  expect(row("  -1:00")).toEqual(["-1:00", "-", "20 ms", "100", "0", "healthy"]);
  expect(lines.find((line) => line.startsWith("  +0:20"))).toMatch(/ 0 +100 +failed/);
  const order = ["  -0:10", "  -0:04", "  +0:00", "  +0:10"].map((start) => lines.findIndex((line) => line.startsWith(start)));
  expect(order).toEqual(order.toSorted((a, b) => a - b));
  expect(lines.at(-2)).toMatch(/failover\.state|hw\.temperature/);
  expect(lines.join("\n")).toContain("  hw.temperature (gpu=0): 61 -> 96 Cel");
});
