/**
 * Incidents on record: samples the series each second, notes what is announced, and when something pages has the seconds
 * before it written down; once more a minute later, with what came after. The pages are those of the Alertmanager exporter,
 * whether or not there is an Alertmanager.
 */
import { instruments } from "../exporters/instruments.ts";
import { FlightLevels } from "../exporters/flight-levels.ts";
import { FlightRecorder, type Recorded } from "../exporters/flight-recorder.ts";
import type { Meter } from "../exporters/meter.ts";
import { alertsOf, type Alert, type Alerts } from "../exporters/pages.ts";
import { recordingId, recordingPieces, type RecordingHead } from "../exporters/recording.ts";
import type { Announce, Signal } from "../exporters/signal.ts";
import type { Cancel, Clock } from "./clock.ts";
import type { Log } from "./log.ts";
import type { Recordings } from "./store/recordings.ts";

export interface IncidentsDeps {
  readonly clock: Clock;
  readonly meter: Meter;
  readonly log: Log;
  readonly version: string;
  readonly instance: string;
  readonly recordings: Recordings;
}

export interface Incidents {
  readonly signal: Announce;
  /** The last 15 minutes. Cost: a copy of them. */
  readonly recorded: () => Recorded;
  /** Begins to sample; what it returns ends that, once what is being written is there. */
  start(): () => Promise<void>;
}

const sampleMs = 1_000;
const afterMs = 60_000;

export function incidents({ clock, meter, log, version, instance, recordings }: IncidentsDeps): Incidents {
  const ring = new FlightRecorder();
  const levels = new FlightLevels();
  let alerts: Alerts = new Map();
  let writing: Promise<unknown> = Promise.resolve();
  /** Recordings that get their second part. */
  const open = new Map<string, { readonly head: RecordingHead; readonly cancel: Cancel }>();

  function write(head: RecordingHead, isLast: boolean): void {
    // Copied at once; the file takes as long as it takes.
    const recorded = ring.recorded();
    writing = writing.then(async () => {
      const written = await recordings.write(head.id, recordingPieces(head, recorded));
      if (written && !isLast) log.info({ recording: head.id }, "an incident was put on record");
    });
  }

  function paged({ labels, annotations }: Alert): void {
    const atWallMs = clock.wallMs();
    const name = labels["alertname"] ?? "page";
    const id = recordingId(atWallMs, name);
    if (open.has(id)) return;
    const head: RecordingHead = { id, version, instance, atWallMs, page: { name, ...annotations } };
    write(head, false);
    const cancel = clock.after(afterMs, () => {
      open.delete(id);
      write(head, true);
    });
    open.set(id, { head, cancel });
  }

  return {
    signal(signal) {
      const text = textOf(signal);
      if (text !== undefined) ring.event({ atWallMs: clock.wallMs(), what: signal.type, text });
      const before = alerts;
      alerts = alertsOf(before, signal);
      for (const [key, alert] of alerts) if (fires(alert) && !fires(before.get(key))) paged(alert);
      // Those that are over need no memory here.
      alerts = new Map([...alerts].filter(([, alert]) => fires(alert)));
    },
    recorded: () => ring.recorded(),
    start() {
      const cancel = clock.every(sampleMs, () => {
        const lost = ring.dropped;
        ring.sample(clock.wallMs(), levels.take(meter.families(), clock.monotonicMs()));
        if (ring.dropped > lost) meter.counter(instruments.dropped, { what: "flight-recorder" }).add(ring.dropped - lost);
      });
      return async () => {
        cancel();
        for (const { head, cancel: cancelLast } of open.values()) {
          cancelLast();
          write(head, true);
        }
        await writing;
      };
    },
  };
}

function fires(alert: Alert | undefined): boolean {
  return alert !== undefined && alert.endedAtMs === undefined;
}

function textOf(signal: Signal): string | undefined {
  switch (signal.type) {
    case "transition":
      return `${signal.from} -> ${signal.to}, ${signal.rung} answers (${signal.reason}); ${signal.cause.detector} found: ${signal.cause.evidence}`;
    case "drift":
      return `${signal.status} on ${signal.stream}: ${signal.message}`;
    case "directive":
      return `${signal.action}: ${signal.why}`;
    case "judge":
      return `${signal.experiment}: ${signal.verdict} after ${signal.n}`;
    case "rollout":
      return `${signal.candidate} ${signal.phase} (${signal.reason}) at ${Math.round(signal.weight * 1_000) / 10} %: ${signal.message}`;
    case "version":
      return signal.message;
    case "state":
      return undefined;
  }
}
