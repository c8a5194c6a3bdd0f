/** What the page draws, from what it was told: no row is lost between cells and bars, and a gap in the data stays one. */
import fc from "fast-check";
import { expect, test } from "vitest";
import { barsOf } from "../../agent/console/bars.js";
import { latency, shownMs, spans } from "../../agent/console/series.js";

test("however a number's cells lie, the bars hold all of its rows", () => {
  const cells = fc.array(fc.record({ width: fc.integer({ min: 0, max: 1_000 }), reference: fc.nat(1_000), now: fc.nat(1_000) }), { minLength: 1, maxLength: 70 });
  fc.assert(
    fc.property(cells, (parts) => {
      let at = -500;
      const own = parts.map(({ width, reference, now }) => ({ name: "cell", low: at, high: (at += width), reference, now }));
      const all = [...own, { name: "null", reference: 3, now: 0 }];
      const sum = (of: "reference" | "now") => all.reduce((total, cell) => total + cell[of], 0);
      const bars = barsOf({ cells: all, reference_rows: sum("reference"), window_rows: Math.max(1, sum("now")) });
      expect(bars.reduce((total, { reference }) => total + reference, 0)).toBeCloseTo(1, 6);
      expect(bars.reduce((total, { now }) => total + now, 0)).toBeCloseTo(sum("now") === 0 ? 0 : 1, 6);
      expect(bars.length).toBeLessThanOrEqual(25);
    }),
  );
});

test("a state lasts until another was seen; where nothing was recorded there is a gap", () => {
  const level = (state: string, values: (number | null)[]) => ({ name: "pilotfish.failover.state", labels: { state }, unit: "", values });
  const times = [1_000, 2_000, 3_000, 60_000, 61_000];
  const recent = { times, series: [level("healthy", [1, 1, 0, 0, 1]), level("failed", [0, 0, 1, 1, 0])], events: [] };
  expect(spans(recent, "pilotfish.failover.state", "state")).toEqual([
    { what: "healthy", fromMs: 0, toMs: 2_000 },
    { what: "failed", fromMs: 2_000, toMs: 3_000 },
    { what: "failed", fromMs: 59_000, toMs: 60_000 },
    { what: "healthy", fromMs: 60_000, toMs: 61_000 },
  ]);
  expect(shownMs(recent)).toBe(120_000);
});

test("latency is each second that of whoever answered most", () => {
  const of = (name: string, labels: Record<string, string>, values: (number | null)[]) => ({ name, labels, unit: "", values });
  const request = "pilotfish.gateway.requests";
  const duration = "pilotfish.gateway.request.duration";
  const recent = {
    times: [1, 2, 3],
    events: [],
    series: [
      of(request, { rung: "primary", outcome: "ok", reason: "normal" }, [9, 1, 0]),
      of(request, { rung: "onnx", outcome: "ok", reason: "refused" }, [0, 2, 3]),
      of(request, { rung: "onnx", outcome: "ok", reason: "circuit-open" }, [0, 4, 3]),
      of(duration, { rung: "primary", outcome: "ok", quantile: "0.5" }, [0.1, 0.2, null]),
      of(duration, { rung: "onnx", outcome: "ok", quantile: "0.5" }, [null, 0.01, 0.02]),
    ],
  };
  expect(latency(recent, "")[0]).toEqual({ label: "p50", values: [0.1, 0.01, 0.02] });
  expect(latency(recent, "primary")[0]).toEqual({ label: "p50", values: [0.1, 0.2, null] });
});
