import { expect, test } from "vitest";
import type { Log, LogFields } from "../../agent/log.ts";
import { silent } from "../../agent/log.ts";
import { exporters } from "../../exporters/exporters.ts";
import type { Signal } from "../../exporters/signal.ts";

const signal: Signal = {
  type: "directive",
  target: { model: "employment", version: "1", endpoint: "http://127.0.0.1:8080" },
  action: "drain",
  why: "a test",
  atWallMs: 0,
};

test("all hear a signal, though one of them throws; that one is named in the log", () => {
  const heard: string[] = [];
  const logged: LogFields[] = [];
  const log: Log = { ...silent, error: (fields) => void logged.push(fields) };
  const announce = exporters(
    {
      websocket: (told) => void heard.push(`websocket ${told.type}`),
      alertmanager: () => {
        throw new Error("broken");
      },
      otlp: (told) => void heard.push(`otlp ${told.type}`),
    },
    { log },
  );
  announce(signal);
  expect(heard).toEqual(["websocket directive", "otlp directive"]);
  expect(logged).toEqual([{ exporter: "alertmanager", signal: "directive", err: new Error("broken") }]);
});
