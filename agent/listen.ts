/** Where a listener stands, and its errors in words that name the option to change. */
import { isIPv6 } from "node:net";

export interface Address {
  readonly host: string;
  readonly port: number;
}

/** An error of listen(), in words that name the options. */
export function listenError(error: unknown, section: string, { host, port }: Address): Error {
  const at = isIPv6(host) ? `[${host}]:${port}` : `${host}:${port}`;
  const { code = "", message } = error as NodeJS.ErrnoException;
  const [what, option] = listenErrors[code] ?? [message, undefined];
  const advice = option === undefined ? "" : `; change ${section}.${option}`;
  return new Error(`can not listen on ${at}: ${what}${advice}`, { cause: error });
}

const listenErrors: Readonly<Record<string, readonly [what: string, option: keyof Address]>> = {
  EADDRINUSE: ["the port is in use", "port"],
  EACCES: ["this port is not allowed to this user", "port"],
  EADDRNOTAVAIL: ["this is no address of this machine", "host"],
  ENOTFOUND: ["this name has no address", "host"],
  EAI_AGAIN: ["this name can not be looked up", "host"],
};
