import { expect, test } from "vitest";
import { parseTraceparent } from "../../exporters/traceparent.ts";

const trace = "4bf92f3577b34da6a3ce929d0e0e4736";
const span = "00f067aa0ba902b7";

test("the examples of the W3C recommendation are read", () => {
  expect(parseTraceparent(`00-${trace}-${span}-01`)).toEqual({ traceId: trace, spanId: span, sampled: true });
  expect(parseTraceparent(`00-${trace}-${span}-00`)).toEqual({ traceId: trace, spanId: span, sampled: false });
});

test("flags that are not known yet do not hide whether it is sampled, and a later version may say more", () => {
  expect(parseTraceparent(`00-${trace}-${span}-03`)?.sampled).toBe(true);
  expect(parseTraceparent(`00-${trace}-${span}-fe`)?.sampled).toBe(false);
  expect(parseTraceparent(`01-${trace}-${span}-01-more`)?.traceId).toBe(trace);
});

test.each([
  "",
  `00-${trace}-${span}`,
  `00-${trace}-${span}-01-more`,
  `ff-${trace}-${span}-01`,
  `00-${trace.toUpperCase()}-${span}-01`,
  `00-${"0".repeat(32)}-${span}-01`,
  `00-${trace}-${"0".repeat(16)}-01`,
  ` 00-${trace}-${span}-01`,
])("%j is no traceparent", (text) => {
  expect(parseTraceparent(text)).toBeUndefined();
});
