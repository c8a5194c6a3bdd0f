import fc from "fast-check";
import { expect, test } from "vitest";
import { History } from "../../exporters/websocket/history.ts";

test("the last frames are found by their number, and no other", () => {
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 20 }), fc.integer({ min: 0, max: 100 }), (size, count) => {
      const history = new History<Buffer>(size);
      for (let seq = 1; seq <= count; seq += 1) history.add(Buffer.from(`${seq}`));
      const kept = Math.min(size, count);
      expect([history.oldestSeq, history.lastSeq]).toEqual([count - kept + 1, count]);
      for (let seq = -1; seq <= count + 1; seq += 1) {
        const isKept = seq > count - kept && seq <= count;
        expect(history.at(seq)?.toString()).toBe(isKept ? `${seq}` : undefined);
      }
    }),
  );
});
