/**
 * Traffic by interface of the network namespace that we are in, which containers of a pod share. A pod that uses the node's
 * network sees the node's traffic: an interface that is a device of the machine shows that, and then nothing is told.
 * Source: proc_pid_net(5).
 */
import { access } from "node:fs/promises";
import { instruments } from "../../exporters/instruments.ts";
import type { Point } from "../observation.ts";
import { unknown, type Reading } from "./collector.ts";
import { readSmall, type ReadText } from "./small-file.ts";

export interface Interface {
  readonly name: string;
  readonly received: Traffic;
  readonly transmitted: Traffic;
}

interface Traffic {
  readonly bytes: number;
  readonly errors: number;
  readonly drops: number;
}

const interfacesMax = 32;

/** Of the text of /proc/net/dev; the loopback is left out. */
export function parseNetDev(text: string): readonly Interface[] {
  return [...text.matchAll(/^[ \t]*([^\s:]+):[ \t]*(\d[\d ]*)$/gm)].flatMap(([, name, columns]) => {
    const numbers = (columns as string).trim().split(/ +/).map(Number);
    if (name === "lo" || numbers.length < 12) return [];
    const traffic = (from: number): Traffic => ({ bytes: numbers[from] as number, errors: numbers[from + 2] as number, drops: numbers[from + 3] as number });
    return [{ name: name as string, received: traffic(0), transmitted: traffic(8) }];
  });
}

/** @param ours the namespace is known to be no node's, whatever its interfaces look like. */
export async function readNetwork(paths: { readonly proc: string; readonly sys: string }, ours: boolean, read: ReadText = readSmall): Promise<Reading> {
  const text = await read(`${paths.proc}/self/net/dev`);
  if (text === undefined) return unknown(`${paths.proc}/self/net/dev can not be read`);
  const interfaces = parseNetDev(text).slice(0, interfacesMax);
  for (const { name } of ours ? [] : interfaces) {
    if (await exists(`${paths.sys}/class/net/${name}/device`)) return unknown(`${name} is a device of the machine, so this is the node's own network`);
  }
  const points: Point[] = interfaces.flatMap(({ name, received, transmitted }) =>
    ([["receive", received], ["transmit", transmitted]] as const).flatMap(([direction, { bytes, errors, drops }]) => [
      { instrument: instruments.networkIo, labels: { interface: name, direction }, value: bytes },
      { instrument: instruments.networkErrors, labels: { interface: name, direction, type: "error" }, value: errors },
      { instrument: instruments.networkErrors, labels: { interface: name, direction, type: "drop" }, value: drops },
    ]),
  );
  return points.length === 0 ? unknown("there is no interface but the loopback") : { status: "ok", detail: interfaces.map(({ name }) => name).join(", "), points };
}

async function exists(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  );
}
