/**
 * Who may ask: one decision for every request, from where it comes, what it shows and what the route wants. What is refused and
 * would have changed something goes to the audit.
 */
import type { IncomingMessage } from "node:http";
import type { Audit } from "../audit.ts";
import type { Clock } from "../clock.ts";
import { mayDo, type Principal } from "../principal.ts";
import { hasTokenInUrl, strangerRefusal, tokenInUrl } from "./access.ts";
import type { Refused } from "./exchange.ts";
import { Buckets, type LimitsOptions } from "./limits.ts";
import type { Route } from "./route.ts";
import { principalByCertificate, type ClientOptions } from "./tls.ts";
import { tokenOf, type Tokens } from "./tokens.ts";

export interface GateOptions {
  readonly limits: Pick<LimitsOptions, "requests" | "bytes">;
  readonly bodyMax: number;
  readonly clients: readonly ClientOptions[];
  /** Must somebody who asks say who it is? Otherwise everybody is `local`, with every right. */
  readonly asked: boolean;
}

export interface GateDeps {
  readonly clock: Clock;
  readonly tokens: Tokens;
  readonly audit: Audit;
  readonly dropped: (what: string) => void;
}

/** From where a listener is reached. */
export interface Doorway {
  /** Only loopback's names count as Host. */
  readonly loopback: boolean;
  /** Who reaches it is trusted: a unix socket that only its owner can open. */
  readonly trusted: boolean;
}

export interface Gate {
  /** Who asks, or why it is not answered. Without a route: for one that there is not. */
  admit(request: IncomingMessage, route: Route | "open" | undefined): Principal | Refused;
  /** Who was let in with this request. */
  readonly admitted: (request: IncomingMessage) => Principal | undefined;
  /** Bytes that came without having been announced. */
  charge(principal: Principal, bytes: number): void;
}

const local: Principal = { name: "local", role: "admin" };

/** So many refusals a second go to the audit, and a minute's worth at once: nobody without a token may wash it out. */
const refusalsPerSecond = 1;

/** The buckets are shared by all doorways. */
export function gates({ limits, bodyMax, clients, asked }: GateOptions, { clock, tokens, audit, dropped }: GateDeps): (doorway: Doorway) => Gate {
  const requests = new Buckets(limits.requests, 2);
  const bytes = new Buckets(limits.bytes, 10);
  const refusals = new Buckets(refusalsPerSecond, 60);

  const letIn = new WeakMap<IncomingMessage, Principal>();

  function whoIs(request: IncomingMessage, { trusted }: Doorway): Principal | "expired" | undefined {
    if (trusted || !asked) return local;
    const token = tokenOf(request.headers.authorization);
    return token === undefined ? principalByCertificate(request.socket, clients) : tokens.find(token);
  }

  function tooMuch(request: IncomingMessage, client: string, longest: number): Refused | undefined {
    const nowMs = clock.monotonicMs();
    const announced = Number(request.headers["content-length"] ?? 0) || 0;
    // A body that is too long is not read, and costs nobody anything.
    const waitMs = requests.take(client, 1, nowMs) || bytes.take(client, announced > longest ? 0 : announced, nowMs);
    return waitMs === 0 ? undefined : { status: 429, problem: "too much was asked for; come back later", headers: { "retry-after": String(Math.ceil(waitMs / 1_000)) } };
  }

  function judged(request: IncomingMessage, route: Route | undefined, who: Principal | "expired" | undefined): Refused | undefined {
    const client = typeof who === "object" ? who.name : (request.socket.remoteAddress ?? "local");
    const over = tooMuch(request, client, route?.bodyMax ?? bodyMax);
    if (over !== undefined) return over;
    const inUrl = hasTokenInUrl(request.url);
    if (who === undefined || who === "expired") {
      const [error, problem] = who === "expired" ? [' error="invalid_token"', "the token has expired"] : ["", inUrl ? tokenInUrl : "expected Authorization: Bearer and a token that counts here"];
      return { status: 401, problem, headers: { "www-authenticate": `Bearer${error}` } };
    }
    if (inUrl) return { status: 400, problem: tokenInUrl };
    if (route !== undefined && !mayDo(who, route.role)) return { status: 403, problem: `this needs the role ${route.role}, "${who.name}" has the role ${who.role}` };
    return undefined;
  }

  return (doorway) => ({
    admit(request, route) {
      const stranger = strangerRefusal(request, doorway.loopback);
      if (route === "open") return stranger === undefined ? local : { status: stranger.status, problem: stranger.detail };
      const who = stranger === undefined ? whoIs(request, doorway) : undefined;
      const refused = stranger === undefined ? judged(request, route, who) : { status: stranger.status, problem: stranger.detail };
      if (refused === undefined) {
        letIn.set(request, who as Principal);
        return who as Principal;
      }
      if (route !== undefined && route.method !== "GET") {
        const { name, role } = typeof who === "object" ? who : { name: "unknown", role: "read" as const };
        if (refusals.take("all", 1, clock.monotonicMs()) > 0) dropped("audit");
        else {
          const detail = { status: refused.status, remote: request.socket.remoteAddress ?? "local" };
          audit({ atWallMs: clock.wallMs(), who: name, role, action: route.name, reason: refused.problem, result: "refused", detail });
        }
      }
      return refused;
    },
    admitted: (request) => letIn.get(request),
    charge: ({ name }, count) => bytes.charge(name, count, clock.monotonicMs()),
  });
}
