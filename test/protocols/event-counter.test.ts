import fc from "fast-check";
import { expect, test } from "vitest";
import { EventCounter } from "../../agent/protocols/event-counter.ts";
import { eventData } from "../../agent/protocols/server-sent-events.ts";

/** The text in chunks of these lengths, by turns. */
function counted(text: string, lengths: readonly number[]): number {
  const counter = new EventCounter();
  const bytes = Buffer.from(text);
  let events = 0;
  for (let at = 0, turn = 0; at < bytes.length; turn += 1) {
    const length = lengths[turn % lengths.length] as number;
    events += counter.count(bytes.subarray(at, at + length));
    at += length;
  }
  return events;
}

test("a token is an event with data; heads of lines, comments, keep-alives and the stream's end are none", () => {
  const stream = ': ping\n\ndata: {"a":1}\n\nevent: ping\ndata:\n\n: keep-alive\n\ndata: {"a":2}\n\nretry: 500\n\ndata: [DONE]\n\n';
  expect(counted(stream, [7])).toBe(2);
});

test("one event may have several lines of data, of which an empty one may come first", () => {
  expect(counted("data:\ndata: a\ndata: b\n\ndata: c\n\n", [3])).toBe(2);
});

test("what only looks like data or like the end is taken as it is", () => {
  expect(counted("database: x\n\n data: x\n\ndata\n\n", [1])).toBe(0);
  expect(counted("data: [DONE] \n\ndata: [DON\n\ndata: [DONE]]\n\n", [1])).toBe(3);
});

const line = fc.oneof(
  fc.constantFrom("data: a", "data:b", "data: [DONE]", "data:", "data: ", ": ping", "event: x", "", "", "datas: x", "id: 7"),
  fc.string({ maxLength: 6 }).filter((text) => !/[\r\n]/.test(text)),
);

test("it counts what a whole reading of the stream finds, wherever the chunks are cut and however the lines end", () => {
  fc.assert(
    fc.property(fc.array(line, { maxLength: 30 }), fc.constantFrom("\n", "\r\n", "\r"), fc.array(fc.integer({ min: 1, max: 9 }), { minLength: 1, maxLength: 5 }), (lines, end, lengths) => {
      const text = [...lines, "", ""].join(end);
      const whole = eventData(text).filter((data) => !data.split("\n").every((one) => one === "" || one === "[DONE]"));
      expect(counted(text, lengths)).toBe(whole.length);
    }),
    { numRuns: 2_000 },
  );
});
