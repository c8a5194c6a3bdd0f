import { expect, test } from "vitest";
import { EstimateMonitor } from "../../agent/monitors/estimate-monitor.ts";
import type { Judgement } from "../../agent/judgement.ts";
import { binaryReference, binaryRows, live, liveRows } from "./answers.ts";

const chunks = { rows: 1_000, estimated: { roc_auc: [0.901, 0.905, 0.903, 0.908, 0.903, 0.904], mae: [2, 2.1, 2.05, 1.95] }, realised: {} };

/** @param samplesPerFalseAlarm A. */
function looking(figures: Readonly<Record<string, number>>, { samplesPerFalseAlarm = 1e6, rows = 1_000 } = {}) {
  const judgements: Judgement[] = [];
  const monitor = new EstimateMonitor({ model: "employment", chunks, window: 1_000, clear: 600_000 }, (judgement) => judgements.push(judgement));
  let nowMs = 0;
  const look = (now = figures, sampled = 250) => {
    for (let i = 0; i < sampled; i += 1) monitor.sampled();
    nowMs += 60_000;
    const banded = Object.fromEntries(Object.entries(now).map(([name, value]) => [name, { value, lower: value - 0.01, upper: value + 0.01 }]));
    monitor.look(banded, rows, samplesPerFalseAlarm, nowMs, nowMs);
    monitor.tick(nowMs, nowMs);
  };
  return { look, judgements, monitor };
}

test("an estimate below the reference's band is a warning that says from what to what, and that nobody labelled it", () => {
  const { look, judgements } = looking({ roc_auc: 0.87 });
  look();
  expect(judgements).toMatchObject([{ stream: "estimated-performance", detector: "alert-band", verdict: "warning", statistic: 0.87, message: "employment: estimated ROC AUC fell from 0.904 to 0.87 (0.86 to 0.88), without labels" }]);
});

test("losses are worse when they rise; what is better than ever is no alarm", () => {
  const bad = looking({ mae: 4 });
  bad.look();
  expect(bad.judgements[0]?.message).toBe("employment: estimated mean absolute error rose from 2.02 to 4 (3.99 to 4.01), without labels");
  const good = looking({ roc_auc: 0.99, mae: 0.5 });
  good.look();
  expect(good.judgements).toEqual([]);
});

test("a smaller budget of false alarms, or fewer rows in the window, widen the band", () => {
  const seen = (options: Parameters<typeof looking>[1]) => {
    const { look, judgements } = looking({ roc_auc: 0.885 }, options);
    look();
    return judgements.length;
  };
  expect([seen({ samplesPerFalseAlarm: 1e4 }), seen({ samplesPerFalseAlarm: 1e7 }), seen({ samplesPerFalseAlarm: 1e4, rows: 250 })]).toEqual([1, 0, 0]);
});

test("it looks four times a window, and at no window that is less than a quarter full", () => {
  const { look, judgements } = looking({ roc_auc: 0.5 });
  look(undefined, 249);
  expect(judgements).toEqual([]);
  look(undefined, 1);
  expect(judgements).toHaveLength(1);
  const young = looking({ roc_auc: 0.5 }, { rows: 200 });
  young.look();
  expect(young.judgements).toEqual([]);
});

test("estimates that are back within the band end the warning", () => {
  const { look, judgements } = looking({ roc_auc: 0.8 });
  look();
  for (let i = 0; i < 20; i += 1) look({ roc_auc: 0.9 });
  expect(judgements.map(({ verdict }) => verdict)).toEqual(["warning", "stable"]);
  expect(judgements[1]?.statistic).toBe(0.9);
});

test("traffic that the model can tell less of is found without a label; traffic as before raises nothing", () => {
  const reference = binaryReference(binaryRows(1, 10_000));
  const answersOnly = (rows: Parameters<typeof liveRows>[0]) => liveRows(rows).map(({ scores, prediction }) => ({ scores, prediction }));
  const { play, judgements } = live(reference, { falseAlarms: { alarms: 1, perSamples: 1e6 } });
  play(answersOnly(binaryRows(2, 10_000)));
  expect(judgements).toEqual([]);
  play(answersOnly(binaryRows(3, 1_000, { blur: 0.4 })));
  expect(judgements[0]?.message).toMatch(/^people: estimated ROC AUC fell from 0\.\d+ to 0\.\d+ \(0\.\d+ to 0\.\d+\).*, without labels$/);
});
