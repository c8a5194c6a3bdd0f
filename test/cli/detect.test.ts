/** `pilotfish detect`: alarms out, one a line, and every way to ask wrongly. */
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { makeFolder } from "../offline/folder.ts";
import { call } from "./call.ts";

const { path, put } = makeFolder();

/** A hundred zeros and ones in turn, then nothing but fives. */
const jump = [...Array.from({ length: 500 }, (_, i) => i % 2), ...Array.from({ length: 500 }, (_, i) => 5 + (i % 2))].join("\n");

test("an alarm is the index of the value at which it fired; the detector starts anew after it", async () => {
  const { code, out, err } = await call(["detect", "page-hinkley", "--set", "threshold=20", "--set", "warmup=30"], path, jump);
  expect({ code, err }).toEqual({ code: 0, err: "" });
  const alarms = out.trim().split("\n").map(Number);
  expect(alarms).toHaveLength(1);
  expect(alarms[0]).toBeGreaterThanOrEqual(500);
  expect(alarms[0]).toBeLessThan(510);
});

test("a file does as well as standard input, and --json tells what was asked too", async () => {
  put("stream.txt", jump.replaceAll("\n", "\r\n"));
  const plain = await call(["detect", "adwin", "stream.txt"], path);
  expect(await call(["detect", "adwin", "-"], path, jump)).toEqual(plain);
  const { out } = await call(["detect", "adwin", "stream.txt", "--set", "delta=0.01", "--json"], path);
  const told = JSON.parse(out) as { detector: string; parameters: Record<string, unknown>; values: number; alarms: number[] };
  expect(told).toMatchObject({ detector: "adwin", parameters: { delta: 0.01, clock: 32 }, values: 1_000 });
  expect(told.alarms.length).toBeGreaterThan(0);
});

test("lambda is written as Python has to write it, too", async () => {
  const asked = (key: string) => call(["detect", "hddm-w", "--set", `${key}=0.05`], path, jump.replaceAll(/[56]/g, "1"));
  expect(await asked("lambda_")).toEqual(await asked("lambda"));
});

test("the conformal e-detector takes normal from a text of numbers, a table or a reference file, and keeps its promise", async () => {
  const normal = Array.from({ length: 2_000 }, (_, i) => Math.sin(i * 12.9898) * 43_758.5453 % 1).map((u) => u.toFixed(6));
  const later = Array.from({ length: 2_000 }, (_, i) => ((Math.sin((i + 5_000) * 78.233) * 43_758.5453) % 1) + (i < 1_000 ? 0 : 1)).map((u) => u.toFixed(6)).join("\n");
  put("normal.txt", normal.join("\n"));
  put("normal.csv", `id,v\n${normal.map((value, i) => `r${i},${value}`).join("\n")}\n`);
  expect((await call(["reference", "normal.csv", "-o", "normal.json"], path)).code).toBe(0);
  for (const reference of [["normal.txt"], ["normal.csv", "--set", "feature=v"], ["normal.json"]]) {
    const { code, out, err } = await call(["detect", "conformal-e-detector", "--reference", ...reference], path, later);
    expect({ code, err }).toEqual({ code: 0, err: "" });
    const first = Number(out.split("\n")[0]);
    expect(first).toBeGreaterThan(1_000);
    expect(first).toBeLessThan(1_060);
  }
});

test("the mean e-detector watches errors against a baseline that is given or taken from a reference", async () => {
  const errors = Array.from({ length: 4_000 }, (_, i) => (i < 2_000 ? Number(i % 10 === 0) : Number(i % 3 === 0))).join("\n");
  put("errors.txt", Array.from({ length: 5_000 }, (_, i) => Number(i % 10 === 0)).join("\n"));
  for (const options of [["--set", "baseline=0.1"], ["--reference", "errors.txt"]]) {
    const first = Number((await call(["detect", "mean-e-detector", ...options], path, errors)).out.split("\n")[0]);
    expect(first).toBeGreaterThan(2_000);
    expect(first).toBeLessThan(2_200);
  }
  expect((await call(["detect", "mean-e-detector", "--set", "baseline=0.2", "--set", "direction=down"], path, errors)).out).toMatch(/^\d{2,3}\n/);
});

test.for<readonly [argv: readonly string[], input: string, says: string]>([
  [[], "", "pilotfish detect: name a detector: adwin, page-hinkley"],
  [["adwim"], "", 'pilotfish detect: there is no detector "adwim"; there are adwin'],
  [["conformal-e-detector"], "1", "pilotfish detect: conformal-e-detector needs --reference FILE"],
  [["adwin", "--set", "dleta=1"], "1", 'pilotfish detect: --set dleta=1: adwin has no "dleta"; it has delta=0.002, clock=32'],
  [["adwin", "--set", "delta"], "1", "pilotfish detect: --set delta: delta must be a finite number"],
  [["adwin", "--set", "delta=high"], "1", "pilotfish detect: --set delta=high: delta must be a finite number"],
  [["adwin", "--set", "delta=2"], "1", "pilotfish detect: adwin: delta must be"],
  [["page-hinkley", "--set", "mode=sideways"], "1", "pilotfish detect: --set mode=sideways: mode must be one of"],
  [["mean-e-detector", "--set", "falseAlarms=often"], "1", 'pilotfish detect: --set falseAlarms: expected a budget such as "1 per 1e5 samples", at least 100 samples an alarm, got "often"'],
  [["adwin"], "1\nabc\n2", 'pilotfish detect: standard input: line 2: expected a finite number, got "abc"'],
  [["adwin"], "1\nnan\n", 'pilotfish detect: standard input: line 2: expected a finite number, got "nan"'],
  [["adwin"], "1\n\n2\n", "pilotfish detect: standard input: line 2 is blank, and more values follow; leave it out"],
  [["adwin"], "", "pilotfish detect: standard input: there is not a single value"],
  [["ddm"], "0\n1\n7\n", "pilotfish detect: standard input: line 3: ddm: expected"],
  [["adwin", "nowhere.txt"], "", "pilotfish detect: nowhere.txt: there is no such file"],
  [["conformal-e-detector", "--reference", "bad.txt"], "1", 'pilotfish detect: bad.txt: line 2: expected a finite number, got "x"'],
  [["conformal-e-detector", "--reference", "two.csv"], "1", "pilotfish detect: two.csv: choose one of its features with --set feature=NAME: a, b"],
])("%j is answered with what is wrong", async ([argv, input, says]) => {
  writeFileSync(join(path, "bad.txt"), "1\nx\n");
  writeFileSync(join(path, "two.csv"), "a,b\n1,2\n");
  const { code, out, err } = await call(["detect", ...argv], path, input);
  expect({ code, out }).toEqual({ code: 2, out: "" });
  expect(err).toContain(says);
});

test("a blank last line is none, and the values are those before it", async () => {
  expect(JSON.parse((await call(["detect", "adwin", "--json"], path, "1\n2\n\n")).out)).toMatchObject({ values: 2, alarms: [] });
});

test("the help lists every detector with its parameters; that of one, their defaults and what it promises", async () => {
  const all = await call(["detect", "--help"]);
  for (const name of ["adwin", "page-hinkley", "ddm", "kswin", "conformal-e-detector", "mean-e-detector"]) expect(all.out).toMatch(new RegExp(`^  ${name} +\\w`, "m"));
  const one = await call(["detect", "adwin", "--help"]);
  expect(one.out).toMatch(/^ {2}delta=0\.002 +\w/m);
  expect(one.out).toContain("What it promises: ");
});
