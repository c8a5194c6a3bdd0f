/** Who follows the signals and who does not do what they say: as series, read each second. `/v1/state` shows the same by name. */
import { instruments } from "../exporters/instruments.ts";
import type { Meter } from "../exporters/meter.ts";
import type { SignalHub } from "../exporters/websocket.ts";
import { standings } from "../exporters/websocket/standing.ts";
import type { Cancel, Clock } from "./clock.ts";

export function followerGauges(clock: Clock, meter: Meter, view: SignalHub["view"]): Cancel {
  return clock.every(1_000, () => {
    const { subscribers, directives } = view();
    for (const standing of standings) {
      meter.gauge(instruments.subscriberStandings, { standing }).set(subscribers.filter((one) => one.standing === standing).length);
    }
    meter.gauge(instruments.unackedDirectives, {}).set(directives.filter(({ unackedBy, refusedBy }) => unackedBy.length + refusedBy.length > 0).length);
  });
}
