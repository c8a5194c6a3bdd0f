/**
 * Reads one collector on its own timer and says what it read. A reading that takes too long counts as hung and is unknown;
 * no other is begun before it has ended. A collector that throws is unknown too: nothing of it reaches anybody else.
 */
import type { Clock } from "../clock.ts";
import type { Close } from "../lifecycle.ts";
import type { Observe } from "../observation.ts";
import { unknown, type Collector, type Reading } from "./collector.ts";

export function runCollector(name: string, collector: Collector, { clock, observe }: { readonly clock: Clock; readonly observe: Observe }): Close {
  let closed = false;
  let reading = false;
  const say = (read: Reading) => {
    if (!closed) observe({ kind: "reading", collector: name, ...read });
  };

  const turn = async (): Promise<void> => {
    if (reading) return;
    reading = true;
    let late = false;
    const cancel = clock.after(collector.timeoutMs, () => {
      late = true;
      say(unknown(`no reading within ${collector.timeoutMs}ms`));
    });
    try {
      const read = await collector.read();
      if (!late) say(read);
    } catch (error) {
      if (!late) say(unknown(`the collector is broken: ${String(error)}`));
    }
    cancel();
    reading = false;
  };

  const close = collector.open?.();
  void turn();
  const cancel = clock.every(collector.intervalMs, () => void turn());
  return () => {
    closed = true;
    cancel();
    return close?.();
  };
}
