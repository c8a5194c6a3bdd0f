/** The primary's own last answer to the same input, for a while. */
import fc from "fast-check";
import { expect, test } from "vitest";
import { canonical, withMember } from "../../agent/ladder/canonical.ts";
import type { GoodAnswer } from "../../agent/ladder/last-good-rung.ts";
import { kserve } from "../../agent/protocols/kserve.ts";
import { FakeClock } from "../fake-clock.ts";
import { question, stage } from "./stage.ts";

const input = (value: unknown, id?: string) => question({ ...(id === undefined ? {} : { id }), inputs: [{ name: "a", datatype: "FP32", shape: [1], data: [value] }] });
const answer = (text: string, given: Partial<GoodAnswer> = {}): GoodAnswer => ({ status: 200, headers: { "content-type": "application/json", "x-own": "1" }, body: Buffer.from(text), version: "3", ...given });

async function memory(options: object = {}, given: Parameters<typeof stage>[3] = {}) {
  const clock = new FakeClock();
  const dropped: number[] = [];
  const staged = await stage([{ kind: "last-good", ...options }], undefined, clock, { dropped: (_what, count = 1) => void dropped.push(count), ...given });
  const say = async (asked: Parameters<typeof staged.ask>[0]) => {
    const said = await staged.ask(asked);
    return said.outcome === "ok" ? said.body.toString() : said.detail;
  };
  return { clock, dropped, ...staged, say };
}

test("the same input gets the primary's answer again, with its version and its age; another input does not", async () => {
  const { clock, ladder, ask } = await memory();
  expect(ladder.usable()).toEqual([]);
  ladder.remember(input(1), answer('{"outputs":[1]}'));
  expect(ladder.usable()).toEqual(["last-good"]);
  clock.advance(12_900);
  expect(await ask(input(1))).toMatchObject({ outcome: "ok", status: 200, version: "3", headers: { "content-type": "application/json", age: "12" } });
  expect(await ask(input(2))).toEqual({ outcome: "unsupported", detail: "the primary has not answered this input of late" });
});

test("an answer older than its time to live is not given, and takes no room", async () => {
  const { clock, ladder, say } = await memory({ ttl: "1m" });
  ladder.remember(input(1), answer("{}"));
  clock.advance(59_999);
  expect(await say(input(1))).toBe("{}");
  clock.advance(1);
  expect(ladder.usable()).toEqual([]);
  expect(await say(input(1))).toMatch(/not answered/);
});

test("the id of a request does not count, and the answer bears the id of who asks now", async () => {
  const { ladder, say } = await memory();
  ladder.remember(input(1, "first"), answer('{"id":"first", "outputs":[{"id":"first"}]}'));
  expect(await say(input(1, 'second "one"'))).toBe('{"id":"second \\"one\\"", "outputs":[{"id":"first"}]}');
  expect(await say(input(1))).toBe('{ "outputs":[{"id":"first"}]}');
  ladder.remember(input(2), answer('{"outputs":[]}'));
  expect(await say(input(2, "x"))).toBe('{"id":"x","outputs":[]}');
  expect(await say(input(2))).toBe('{"outputs":[]}');
});

test("in a protocol whose requests have no id of their own, a member of that name is input like any other", async () => {
  const { ladder, say } = await memory({}, { protocol: kserve });
  const customer = (id: number) => ({ ...question({ id, instances: [[1]] }), path: "/v1/models/m:predict" });
  ladder.remember(customer(1), answer('{"id":1}'));
  expect(await say(customer(1))).toBe('{"id":1}');
  expect(await say(customer(2))).toMatch(/not answered/);
});

test("the binary tensors behind the JSON count, and a changed id moves where they begin", async () => {
  const { ladder, ask } = await memory();
  const head = '{"id":"a","inputs":[]}';
  const asked = (id: string, byte: number) => question(Buffer.concat([Buffer.from(head.replace('"a"', `"${id}"`)), Buffer.from([byte, 0x22])]));
  const json = '{"id":"a","outputs":[]}';
  const body = Buffer.concat([Buffer.from(json), Buffer.from([1, 2, 0x22, 0xff])]);
  ladder.remember(asked("a", 1), { ...answer(""), headers: { "content-type": "application/octet-stream", "inference-header-content-length": String(json.length) }, body });
  const again = await ask(asked("longer", 1));
  if (again.outcome !== "ok") throw new Error(again.detail);
  const length = Number(again.headers["inference-header-content-length"]);
  expect(again.body.toString("latin1", 0, length)).toBe('{"id":"longer","outputs":[]}');
  expect([...again.body.subarray(length)]).toEqual([1, 2, 0x22, 0xff]);
  expect((await ask(asked("a", 2))).outcome).toBe("unsupported");
});

test("an answer that is no success, too long, or not to be stored is not kept", async () => {
  const { ladder } = await memory({ bodyMax: "100B" });
  ladder.remember(input(1), answer("{}", { status: 206 }));
  ladder.remember(input(1), answer("x".repeat(101)));
  ladder.remember(input("x".repeat(101)), answer("{}"));
  ladder.remember(input(1), answer("{}", { headers: { "cache-control": "private, no-store" } }));
  ladder.remember({ ...input(1), headers: { "cache-control": "no-store" } }, answer("{}"));
  expect(ladder.usable()).toEqual([]);
});

test("an answer kept compressed is for those who take it so", async () => {
  const { ladder, ask } = await memory();
  ladder.remember(input(1), answer("\x1f\x8b", { headers: { "content-type": "application/json", "content-encoding": "gzip" } }));
  expect(await ask(input(1))).toMatchObject({ outcome: "unsupported", detail: "its answer is kept as gzip, which the client does not take" });
  expect(await ask({ ...input(1), headers: { "accept-encoding": "br, gzip" } })).toMatchObject({ outcome: "ok", headers: { "content-encoding": "gzip" } });
});

test("its number and its bytes are bounded; the oldest go first and are counted", async () => {
  const few = await memory({ entries: 2 });
  for (const value of [1, 2, 1, 3]) few.ladder.remember(input(value), answer(`{"v":${value}}`));
  expect(await Promise.all([1, 2, 3].map((value) => few.say(input(value))))).toEqual(['{"v":1}', expect.stringMatching(/not answered/), '{"v":3}']);
  expect(few.dropped).toEqual([1]);

  const small = await memory({ size: "2KiB" });
  for (let value = 0; value < 100; value += 1) small.ladder.remember(input(value), answer(`{"v":${value}}`));
  expect(small.dropped.reduce((sum, count) => sum + count, 0)).toBe(97); // three of 519 to 520 bytes
});

const json = fc.json({ maxDepth: 4 });
const spaced = (text: string, spaces: readonly string[]) => text.replaceAll(/"(?:[^"\\]|\\.)*"|[{}[\]:,]/g, (token, at: number) => (token.startsWith('"') ? token : `${token}${spaces[at % spaces.length]}`));

test("white space and the order of members do not count; all else does", () => {
  fc.assert(
    fc.property(json, json, fc.array(fc.constantFrom("", " ", "\n", "\t \r"), { minLength: 1 }), (a, b, spaces) => {
      const of = (text: string) => canonical(Buffer.from(text)).text;
      expect(of(spaced(a, spaces))).toBe(of(a));
      const members = (text: string) => Object.entries(JSON.parse(`{"x":${text},"y":[${text}],"z":0}`) as object);
      expect(of(JSON.stringify(Object.fromEntries(members(a).toReversed())))).toBe(of(JSON.stringify(Object.fromEntries(members(a)))));
      expect(of(a) === of(b)).toBe(isSame(JSON.parse(a), JSON.parse(b)));
    }),
  );
});

function isSame(a: unknown, b: unknown): boolean {
  const sorted = (_key: string, value: unknown) => (typeof value === "object" && value !== null && !Array.isArray(value) ? Object.fromEntries(Object.entries(value).sort(([x], [y]) => (x < y ? -1 : 1))) : value);
  return JSON.stringify(a, sorted) === JSON.stringify(b, sorted);
}

test("numbers that no double can tell apart are not the same input", () => {
  expect(canonical(Buffer.from("[9007199254740993]")).text).not.toBe(canonical(Buffer.from("[9007199254740992]")).text);
});

test("a member is replaced or taken out by bytes: what is left is the same JSON without it, whatever it is", () => {
  fc.assert(
    fc.property(fc.dictionary(fc.string(), fc.jsonValue({ maxDepth: 2 })), fc.jsonValue({ maxDepth: 2 }), fc.nat(5), (members, id, place) => {
      const { id: _id, ...others } = members;
      const entries = Object.entries(others);
      const body = Buffer.from(`{${[...entries.slice(0, place), ["id", id] as const, ...entries.slice(place)].map(([name, value]) => `${JSON.stringify(name)} : ${JSON.stringify(value)}`).join(" , ")}}`);
      expect(JSON.parse(withMember(body, "id", undefined).toString())).toEqual(JSON.parse(JSON.stringify(others)));
      expect(JSON.parse(withMember(body, "id", '"new"').toString())).toEqual(JSON.parse(JSON.stringify({ ...others, id: "new" })));
      expect(JSON.parse(withMember(withMember(body, "id", undefined), "id", "7").toString())).toEqual(JSON.parse(JSON.stringify({ ...others, id: 7 })));
    }),
  );
});

test("bytes that are no JSON are themselves, and nothing throws", () => {
  fc.assert(
    fc.property(fc.oneof(fc.uint8Array({ maxLength: 60 }).map((bytes) => Buffer.from(bytes)), fc.stringMatching(/^[{}[\],:"\\a1 ]{0,40}$/).map((text) => Buffer.from(text)), fc.constant(Buffer.from("[".repeat(100_000)))), (body) => {
      const { text } = canonical(body, "id");
      expect(text.length).toBeLessThanOrEqual(body.length + 1);
      withMember(body, "id", '"x"');
    }),
  );
});
