import { expect, test } from "vitest";
import type { ExchangeObservation } from "../agent/observation.ts";
import { recorder } from "../agent/recorder.ts";
import { Meter } from "../exporters/meter.ts";
import { prometheusText } from "../exporters/prometheus.ts";
import { FakeClock } from "./fake-clock.ts";

const exchange: ExchangeObservation = {
  kind: "exchange", inferenceId: "1", inference: true, model: "m", version: undefined, rung: "primary", reason: "normal", outcome: "ok",
  status: 200, durationMs: 900, attempts: 1, requestBytes: 9, responseBytes: 9, traceparent: undefined, atWallMs: 0,
};

test("only streams that ended well tell of tokens, and a stream of one token nothing of the next", async () => {
  const clock = new FakeClock();
  const meter = new Meter(clock);
  const { observation } = recorder(meter, clock, () => [], 1_000);
  observation(exchange);
  observation({ ...exchange, stream: { firstTokenMs: 400, perTokenMs: 20 } });
  observation({ ...exchange, stream: { firstTokenMs: 90, perTokenMs: undefined } });
  observation({ ...exchange, outcome: "cancelled", stream: { firstTokenMs: 5_000, perTokenMs: 700 } });
  const { body } = await prometheusText(meter);
  const value = (series: string) => Number(body.split("\n").find((line) => line.startsWith(series))?.split(" ")[1]);
  expect(value('gen_ai_server_time_to_first_token_seconds_count{model="m"}')).toBe(2);
  expect(value('gen_ai_server_time_to_first_token_seconds_sum{model="m"}')).toBeCloseTo(0.49);
  expect(value('gen_ai_server_time_per_output_token_seconds_count{model="m"}')).toBe(1);
});
