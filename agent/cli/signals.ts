/** `pilotfish signals`: what is announced, as it is announced. */
import { systemClock, wait } from "../clock.ts";
import type { Command } from "./command.ts";
import { control, controlHelp, controlOptions, controlUsage } from "./control.ts";
import { harmless, paintFor, statusColour, type Paint } from "./paint.ts";
import { tail, type Frame } from "./tail.ts";
import { parseOptions } from "./usage.ts";
import { exit } from "./world.ts";

const silentKinds: ReadonlySet<string> = new Set(["heartbeat", "welcome", "snapshot.begin", "snapshot.end", "bookmark"]);

export const signals: Command = {
  usage: `pilotfish signals ${controlUsage}`,
  help: `Print signals as they are announced: what is so now, and then each change. Ends on Ctrl-C.\n\nA connection that ends is opened again.\n\n${controlHelp.replace(/--json .*/, "--json            each frame as it came, a line each, heartbeats too")}\n\nExamples:\n  pilotfish signals\n  pilotfish signals --json | jq 'select(.kind == "transition") | .body.to'`,
  async run(argv, world) {
    const { values } = parseOptions(argv, controlOptions);
    const api = await control(values, world);
    const paint = paintFor(world);
    const ended = new AbortController();
    for (const signal of ["SIGINT", "SIGTERM"] as const) world.onSignal(signal, () => ended.abort());
    // What a token or an address is wrong about is said at once, in the words of all commands.
    await api.get("GET", "/v1/signals");
    const close = tail(api, systemClock, {
      frame(frame, text) {
        if (values.json) world.out(`${text}\n`);
        else if (!silentKinds.has(frame.kind)) world.out(`${signalLine(frame, paint)}\n`);
      },
      turned: (lost) => lost !== undefined && world.err(`pilotfish signals: ${harmless(lost)}; connecting again\n`),
    });
    while (!ended.signal.aborted) await wait(systemClock, 3_600_000, ended.signal).catch(() => {});
    close();
    return exit.done;
  },
};

/** `14:03:07  transition  healthy -> failed, small answers (circuit-open): 5 attempts in a row failed` */
export function signalLine({ kind, ts = "", body }: Frame, paint: Paint): string {
  const at = /T(\d\d:\d\d:\d\d)/.exec(textOf(body["at"]) || textOf(body["since"]) || ts)?.[1] ?? "";
  return harmless(`${at}  ${kind.padEnd(10)}  `) + told(kind, body, paint);
}

function told(kind: string, body: Frame["body"], paint: Paint): string {
  const evidence = textOf((body["cause"] as { readonly evidence?: unknown } | undefined)?.evidence);
  const because = evidence === "" ? "" : `: ${harmless(evidence)}`;
  const answers = harmless(`${textOf(body["rung"])} answers (${textOf(body["reason"])})`);
  const status = (name: string) => paint(statusColour(textOf(body[name])), harmless(textOf(body[name])));
  switch (kind) {
    case "state":
      return `${status("status")}, ${answers}${because}`;
    case "transition":
      return `${status("from")} -> ${status("to")}, ${answers}${because}`;
    case "drift":
      return harmless(`${textOf(body["status"])}, ${textOf(body["stream"])}: ${textOf(body["message"])}`);
    case "directive":
      return harmless(`${textOf(body["action"])}: ${textOf(body["why"])}`);
    case "judge":
      return harmless(`${textOf(body["experiment"])}: ${textOf(body["verdict"])} after ${textOf(body["n"])}: ${textOf(body["message"])}`);
    case "rollout":
      return harmless(`${textOf(body["candidate"])} ${textOf(body["phase"])} (${textOf(body["reason"])}), step ${textOf(body["step"])} of ${textOf(body["steps"])}, ${percentOf(body["weight"])}: ${textOf(body["message"])}`);
    case "version":
      return harmless(textOf(body["message"]));
    default:
      return harmless(JSON.stringify(body));
  }
}

function percentOf(ratio: unknown): string {
  return typeof ratio === "number" ? `${Math.round(ratio * 1_000) / 10} %` : textOf(ratio);
}

function textOf(value: unknown): string {
  return typeof value === "string" ? value : value === undefined ? "" : JSON.stringify(value);
}
