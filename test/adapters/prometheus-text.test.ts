import { readdirSync, readFileSync } from "node:fs";
import fc from "fast-check";
import { expect, test } from "vitest";
import { parsePrometheusText, type Sample } from "../../agent/adapters/prometheus-text.ts";

const fixtures = new URL("fixtures/", import.meta.url);
const read = (path: string) => readFileSync(new URL(path, fixtures), "utf8");
const corpus = readdirSync(new URL("prometheus-parser/", fixtures)).filter((name) => name !== "LICENSE");

function samplesOf(text: string): readonly Sample[] {
  const parsed = parsePrometheusText(text);
  if (!parsed.ok) throw new Error(`line ${parsed.line}: ${parsed.detail}`);
  return parsed.samples;
}

test.each(corpus.filter((name) => !name.includes("error")))("Prometheus's own parser takes %s, and so do we", (name) => {
  expect(parsePrometheusText(read(`prometheus-parser/${name}`))).toMatchObject({ ok: true });
});

/** The lines and faults that Prometheus's own tests name for these inputs. */
const faults: Record<string, [line: number, fault: RegExp]> = {
  0: [1, /no end/],
  1: [1, /escapes/],
  2: [2, /not closed/],
  3: [1, /label's name/],
  4: [1, /"__name__" is no label's name/],
  5: [1, /expected =/],
  6: [1, /not quoted/],
  7: [3, /"bla" is no bound/],
  8: [1, /expected , or }/],
  9: [1, /"2.72" is no time/],
  10: [1, /"3" after the time/],
  11: [1, /"blubb" is no number/],
  12: [3, /second HELP/],
  13: [3, /second TYPE/],
  14: [3, /after its samples/],
  15: [2, /"bla" is no type/],
  16: [2, /"met-ric" is no metric's name/],
  17: [1, /does not begin with a metric's name/],
  18: [1, /does not begin with a metric's name/],
  19: [3, /"bla" is no bound/],
};

test.each(Object.entries(faults))("the corpus' faulty input %s is refused, with line and fault", (number, [line, fault]) => {
  expect(parsePrometheusText(read(`prometheus-parser/from_test_parse_error_${number}.txt`))).toMatchObject({ ok: false, line, detail: expect.stringMatching(fault) as string });
});

test("no faulty input of the corpus is left out", () => {
  expect(corpus.filter((name) => name.includes("error"))).toHaveLength(Object.keys(faults).length);
});

test("names, labels, escapes, blanks and odd numbers come out as the corpus' own tests say", () => {
  expect(samplesOf(read("prometheus-parser/from_test_parse_2.txt"))).toEqual([
    { name: "name", labels: { labelname: "val1", basename: "basevalue" }, value: Number.NaN },
    { name: "name", labels: { labelname: "val2", basename: 'base"v\\al\nue' }, value: 0.23 },
    { name: "name2", labels: { labelname: "val2", basename: "basevalue2" }, value: Infinity },
    { name: "name2", labels: { labelname: "val1" }, value: -Infinity },
  ]);
});

test("TorchServe's comma after the last label is taken", () => {
  expect(samplesOf(read("prometheus-text/torchserve_docs.prom"))).toContainEqual({
    name: "PredictionTime",
    labels: { ModelName: "resnet18", Level: "Model", Hostname: "88665a372f4b.ant.amazon.com" },
    value: 83.13,
  });
});

test("pages of real servers are read whole", () => {
  const counted = (file: string) => read(file).split("\n").filter((line) => line !== "" && !line.startsWith("#")).length;
  for (const file of readdirSync(new URL("prometheus-text/", fixtures)).filter((name) => name.endsWith(".prom")).map((name) => `prometheus-text/${name}`)) {
    expect(samplesOf(read(file))).toHaveLength(counted(file));
  }
});

test("of OpenMetrics, exemplars, units, fractions of a second and the end are taken", () => {
  const page = '# TYPE a counter\n# UNIT a seconds\na_total{x="#"} 17 1520879607.789 # {trace_id="KOO5S4vxi0o"} 0.67 1520879607.7\n# EOF';
  expect(samplesOf(page)).toEqual([{ name: "a_total", labels: { x: "#" }, value: 17 }]);
});

test("a page that was cut short is refused, wherever it was cut", () => {
  const page = 'requests_total{model="employment"} 1234\n';
  for (let length = 1; length < page.length; length += 1) expect(parsePrometheusText(page.slice(0, length)).ok).toBe(false);
});

test("what is written by the format's rules is read back", () => {
  const escape = (text: string) => text.replaceAll("\\", "\\\\").replaceAll('"', '\\"').replaceAll("\n", "\\n");
  const name = fc.stringMatching(/^[a-zA-Z_][a-zA-Z0-9_]{0,8}$/).filter((word) => word !== "__proto__" && word !== "__name__");
  const keyOf = ({ name, labels }: { name: string; labels: Record<string, string> }) => JSON.stringify([name, Object.keys(labels).sort().map((label) => [label, labels[label]])]);
  const sample = fc.record({ name, labels: fc.dictionary(name, fc.string(), { noNullPrototype: true, maxKeys: 4 }), value: fc.double() });
  fc.assert(
    fc.property(fc.uniqueArray(sample, { maxLength: 5, selector: keyOf }), (samples) => {
      const text = samples.map(({ name, labels, value }) => {
        const pairs = Object.entries(labels).map(([label, worth]) => `${label}="${escape(worth)}"`);
        const number = Number.isNaN(value) ? "NaN" : Number.isFinite(value) ? String(value) : value > 0 ? "+Inf" : "-Inf";
        return `${name}{${pairs.join(",")}} ${number}\n`;
      });
      expect(samplesOf(text.join(""))).toEqual(samples.map((one) => ({ ...one, value: Object.is(one.value, -0) ? 0 : one.value })));
    }),
  );
});

test("size and number of samples are bounded", () => {
  expect(parsePrometheusText("a 1\nb 2\nc 3\n", { charactersMax: 1_000, samplesMax: 2 })).toEqual({ ok: false, line: 3, detail: "more than 2 samples" });
  expect(parsePrometheusText("a 1\nb 2\n", { charactersMax: 7, samplesMax: 2 })).toMatchObject({ ok: false, detail: "more than 7 characters" });
});

test("of a series that is there twice the first counts, in whatever order its labels are, and the others are counted", () => {
  const page = 'a{x="1",y="2"} 1\na{y="2",x="1"} 2\na{x="1"} 3\na 4\na 5\nb{x="1\\"",y="2"} 6\n';
  const parsed = parsePrometheusText(page);
  expect(parsed).toMatchObject({ ok: true, duplicates: 2 });
  expect(samplesOf(page).map(({ value }) => value)).toEqual([1, 3, 4, 6]);
});

test("a label that is there twice is refused; one with an odd name is kept", () => {
  expect(parsePrometheusText('a{x="1",x="2"} 1\n')).toEqual({ ok: false, line: 1, detail: "a: label x is there twice" });
  expect(Object.entries(samplesOf('a{__proto__="1",constructor="2"} 1\n')[0]?.labels ?? {})).toEqual([["__proto__", "1"], ["constructor", "2"]]);
});

test("bytes are read as they come; what is not UTF-8 is refused, and so is a body of 50 MB, at once", () => {
  expect(parsePrometheusText(Buffer.from('a{x="ü"} 1\n'))).toMatchObject({ ok: true, samples: [{ name: "a", labels: { x: "ü" }, value: 1 }] });
  expect(parsePrometheusText(Buffer.from('a{x="ü"} 1\n', "latin1"))).toEqual({ ok: false, line: 1, detail: "is not UTF-8" });
  const startMs = performance.now();
  expect(parsePrometheusText(Buffer.alloc(50_000_000, "a 1\n"))).toEqual({ ok: false, line: 1, detail: "more than 1048576 bytes" });
  expect(performance.now() - startMs).toBeLessThan(500);
});

/** Times are wall time, which a busy machine can spoil; a square spoils them every time. */
const again = { retry: 3 };

/** Inputs that a careless pattern walks through again and again. */
test.each([
  ["digits that are no number", (length: number) => `a ${"1".repeat(length)}x\n`],
  ["digits after a point", (length: number) => `a .${"1".repeat(length)}x\n`],
  ["a name", (length: number) => `${"a".repeat(length)}-1\n`],
  ["blanks", (length: number) => `a${" ".repeat(length)}x\n`],
  ["blanks between a number and nothing", (length: number) => `a 1${" \t".repeat(length / 2)}x\n`],
  ["a label that does not end", (length: number) => `a{b="${"\\\\".repeat(length / 2)}\n`],
  ["many labels", (length: number) => `a{${Array.from({ length: length / 16 }, (_, index) => `l${index}="v"`).join(",")}} 1\n`],
  ["empty lines", (length: number) => "\n".repeat(length)],
  ["comments", (length: number) => "# HELP\n".repeat(length / 7)],
  ["samples", (length: number) => Array.from({ length: length / 16 }, (_, index) => `a{b="${index}"} 1\n`).join("")],
])("%s: sixteen times the text takes no more than eighty times as long, where a square would take 256", again, (_, page) => {
  const bounds = { charactersMax: 1e9, samplesMax: 1e9 };
  const timeOf = (text: string) =>
    Math.min(
      ...[1, 2, 3].map(() => {
        const startMs = performance.now();
        parsePrometheusText(text, bounds);
        return performance.now() - startMs;
      }),
    );
  const [short, long] = [page(40_000), page(640_000)];
  timeOf(short);
  expect(timeOf(long)).toBeLessThan(80 * Math.max(timeOf(short), 0.5));
});
