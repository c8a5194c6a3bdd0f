import { expect, test } from "vitest";
import { buckets, increase, maxBy, noneOf, oneOf, quantile, rate, select, share, sumBy, sumWithout } from "../../dashboards/promql.ts";
import { instruments } from "../../exporters/instruments.ts";

test("a series is selected by the name that the catalogue gives it, with matchers of all four kinds", () => {
  expect(select(instruments.configReloadOk)).toBe("pilotfish_config_last_reload_success");
  expect(select(instruments.requests, { model: "~$model", rung: "!primary", outcome: "ok", reason: "!~drift|override", job: "pilotfish" })).toBe(
    'pilotfish_gateway_requests_total{model=~"$model",rung!="primary",outcome="ok",reason!~"drift|override",job="pilotfish"}',
  );
  expect(select(instruments.probeFailures, { reason: oneOf(["refused", "reset"]), probe: noneOf(["http"]) })).toBe(
    'pilotfish_probe_failures_total{reason=~"refused|reset",probe!~"http"}',
  );
});

test("quotes and backslashes in a value can not end it", () => {
  expect(select(instruments.probeSuccess, { probe: '"} or vector(1) #\\' })).toBe('pilotfish_probe_success{probe="\\"} or vector(1) #\\\\"}');
});

test("rates, sums and quantiles are written as PromQL wants them", () => {
  const requests = select(instruments.requests, { model: "a" });
  expect(sumBy(["rung"], rate(requests))).toBe('sum by (rung) (rate(pilotfish_gateway_requests_total{model="a"}[$__rate_interval]))');
  expect(sumBy([], rate(requests, "5m"))).toBe('sum(rate(pilotfish_gateway_requests_total{model="a"}[5m]))');
  expect(sumWithout(["rung", "reason"], increase(requests, "1h"))).toBe('sum without (rung, reason) (increase(pilotfish_gateway_requests_total{model="a"}[1h]))');
  expect(quantile(0.99, sumBy(["le"], rate(buckets(select(instruments.requestDuration, { model: "a" })), "5m")))).toBe(
    'histogram_quantile(0.99, sum by (le) (rate(pilotfish_gateway_request_duration_seconds_bucket{model="a"}[5m])))',
  );
  expect(share(maxBy([], select(instruments.serverQueue)), maxBy([], select(instruments.serverInFlight)))).toBe(
    "(max(pilotfish_server_queue) or max(pilotfish_server_inflight) * 0) / max(pilotfish_server_inflight)",
  );
});

/** Never run: the type checker fails here as soon as one of these mistakes compiles. */
export function mistakesThatDoNotCompile(): void {
  // @ts-expect-error a label that the series does not have
  select(instruments.probeSuccess, { model: "a" });
  // @ts-expect-error a sum by a label that the series does not have
  sumBy(["feature"], rate(select(instruments.requests)));
  // @ts-expect-error a sum by a label that was summed away
  sumBy(["rung"], sumBy(["model"], rate(select(instruments.requests))));
  // @ts-expect-error a rate of a gauge
  rate(select(instruments.serverQueue));
  // @ts-expect-error a bare counter in a sum
  sumBy(["model"], select(instruments.requests));
  // @ts-expect-error a histogram without its buckets
  rate(select(instruments.requestDuration));
  // @ts-expect-error a quantile of buckets that lost their bounds
  quantile(0.99, sumBy(["model"], rate(buckets(select(instruments.requestDuration)))));
}
