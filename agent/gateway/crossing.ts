/**
 * How each thing that a gateway is handed reaches a worker in another thread. One line a member: whoever adds one to
 * GatewayDeps says here how it crosses, or it does not compile.
 *
 * - `made`: made anew in the thread from what the setup says.
 * - `given`: plain data that stays as it is as long as the gateway lives.
 * - `mirrored`: a function without arguments whose plain value is posted when it has changed; the same object for the same value.
 * - `told`: a function that returns nothing. Calls are posted in batches, in their order; its arguments are plain data, and a
 *   body stands at the top level of one: a `Buffer` is lent and copied, a `Uint8Array` is given away and transferred.
 * - `asked`: a question posted, an answer that comes back.
 * - `shared`: read from memory that all threads share.
 *
 * A function that must answer at once and depends on its arguments can not cross: what it decides by has to be mirrored.
 */
import type { GatewayDeps } from "./room.ts";

export type Way = "made" | "given" | "mirrored" | "told" | "asked" | "shared";
type Ways = Way | { readonly [name: string]: Way };

export const ways = {
  clock: "made",
  log: { debug: "told", info: "told", warn: "told", error: "told" },
  server: "made",
  protocol: "made",
  model: "given",
  route: "shared",
  claimTrial: "shared",
  mayClaimTrial: "shared",
  rungs: "asked",
  observe: "told",
  traced: "given",
  version: "mirrored",
  dropped: "told",
  remember: "told",
  qualify: { ratio: "given", offer: "told" },
  retried: "told",
  hedged: "told",
  unplaced: "told",
  gates: "given",
  gateCounts: { request: "told", violations: "told", unchecked: "told", judged: "told" },
  description: "mirrored",
  review: "told",
  deal: "mirrored",
  candidate: "asked",
  shadow: { offer: "told" },
  quarantine: { current: "mirrored", hear: "told" },
} as const satisfies Record<keyof GatewayDeps, Ways>;

/** Names of members, with a dot between the names of a part and of what is in it: `log.warn`. */
const paths: readonly (readonly [path: string, way: Way])[] = Object.entries<Ways>(ways).flatMap(([name, way]) =>
  typeof way === "string" ? [[name, way] as const] : Object.entries(way).map(([inner, innerWay]) => [`${name}.${inner}`, innerWay] as const),
);

const along = (way: Way): readonly string[] => paths.filter(([, itsWay]) => itsWay === way).map(([path]) => path);
const givenPaths = along("given");
const mirroredPaths = along("mirrored");
const toldPaths = along("told");

/** Values by path. */
export type Values = Readonly<Record<string, unknown>>;

/** One call of something `told`. */
export type Call = readonly [path: string, args: readonly unknown[]];

/** What a worker must know of the members that it makes proxies of. */
export interface Outline {
  readonly given: Values;
  /** The `told` members that there are: an absent one must be absent there too. */
  readonly told: readonly string[];
  readonly mirrored: Values;
}

export function outlineOf(deps: GatewayDeps): Outline {
  const given = Object.fromEntries(givenPaths.map((path) => [path, memberOf(deps, path)]).filter(([, value]) => value !== undefined)) as Values;
  return { given, told: toldPaths.filter((path) => typeof memberOf(deps, path) === "function"), mirrored: mirror(deps) };
}

/** The values of all that is mirrored, as they are now. */
export function mirror(deps: GatewayDeps): Values {
  const present = mirroredPaths.filter((path) => typeof memberOf(deps, path) === "function");
  return Object.fromEntries(present.map((path) => [path, ask(deps, path, [])]));
}

/** Does what a worker has told; only what may be told is done. */
export function perform(deps: GatewayDeps, [path, args]: Call): void {
  if (toldPaths.includes(path)) ask(deps, path, args.map(withBuffers));
}

/** The members that are given, mirrored and told, on the worker's side. */
export function proxies({ given, told, mirrored }: Outline, current: (path: string) => unknown, tell: (path: string, args: readonly unknown[]) => void): Partial<GatewayDeps> {
  const made: Record<string, unknown> = {};
  const put = (path: string, member: unknown): void => {
    const [name, inner] = path.split(".") as [string, string | undefined];
    if (inner === undefined) made[name] = member;
    else made[name] = { ...(made[name] as object | undefined), [inner]: member };
  };
  for (const [path, value] of Object.entries(given)) put(path, value);
  for (const path of Object.keys(mirrored)) put(path, () => current(path));
  for (const path of told) put(path, (...args: readonly unknown[]) => tell(path, args));
  return made;
}

/** Arguments as they can be posted, what is to be transferred, and about how much memory they take. */
export function portable(args: readonly unknown[]): { readonly args: readonly unknown[]; readonly transfer: readonly ArrayBuffer[]; readonly bytes: number } {
  const transfer: ArrayBuffer[] = [];
  let bytes = callBytes;
  const moved = args.map((arg) => {
    if (typeof arg !== "object" || arg === null) return arg;
    let copy: Record<string, unknown> | undefined;
    for (const [name, value] of Object.entries(arg)) {
      if (!(value instanceof Uint8Array)) continue;
      const own = Buffer.isBuffer(value) ? new Uint8Array(value) : value;
      transfer.push(own.buffer as ArrayBuffer);
      bytes += own.byteLength;
      copy ??= { ...arg };
      copy[name] = own;
    }
    return copy ?? arg;
  });
  return { args: moved, transfer, bytes };
}

const callBytes = 512;

/** A Buffer arrives as the Uint8Array that it is. */
function withBuffers(arg: unknown): unknown {
  if (typeof arg !== "object" || arg === null) return arg;
  for (const [name, value] of Object.entries(arg)) {
    if (value instanceof Uint8Array) (arg as Record<string, unknown>)[name] = asBuffer(value);
  }
  return arg;
}

/** The same bytes. */
export function asBuffer({ buffer, byteOffset, byteLength }: Uint8Array): Buffer {
  return Buffer.from(buffer, byteOffset, byteLength);
}

function memberOf(deps: GatewayDeps, path: string): unknown {
  return path.split(".").reduce<unknown>((part, name) => (part as Values | undefined)?.[name], deps);
}

/** Called on the part that it belongs to. */
function ask(deps: GatewayDeps, path: string, args: readonly unknown[]): unknown {
  const dot = path.lastIndexOf(".");
  const part = (dot < 0 ? deps : memberOf(deps, path.slice(0, dot))) as Readonly<Record<string, ((...given: readonly unknown[]) => unknown) | undefined>> | undefined;
  return part?.[path.slice(dot + 1)]?.(...args);
}
