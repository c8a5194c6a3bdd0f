/**
 * The table of routes on Fastify, which any door may hand requests to. Every error is a problem document, also those of routes that
 * there are not; a handler that throws answers 500 without its words, which the log has.
 */
import type { IncomingMessage, ServerResponse } from "node:http";
import fastify, { type FastifyRequest } from "fastify";
import type { Audit } from "../audit.ts";
import type { Clock } from "../clock.ts";
import type { Close } from "../lifecycle.ts";
import type { Principal } from "../principal.ts";
import { isProblem, readAsked, refusedHead, send } from "./exchange.ts";
import type { Gate } from "./gate.ts";
import { openRoutes, type OpenRoutesDeps } from "./open-routes.ts";
import type { Replays } from "./replays.ts";
import type { Answer, Asked, Route } from "./route.ts";

export interface TableDeps extends OpenRoutesDeps {
  readonly clock: Clock;
  readonly routes: readonly Route[];
  readonly bodyMax: number;
  readonly replays: Replays;
  readonly audit: Audit;
  readonly answered: (route: string, status: number) => void;
}

export interface Table {
  handle(request: IncomingMessage, response: ServerResponse, gate: Gate): void;
  readonly close: Close;
}

export async function serveTable({ routes, bodyMax, replays, audit, answered, clock, ...deps }: TableDeps): Promise<Table> {
  const open = openRoutes(deps);
  const gates = new WeakMap<IncomingMessage, Gate>();
  const gateOf = (request: FastifyRequest): Gate => gates.get(request.raw) as Gate;
  const app = fastify({
    bodyLimit: bodyMax,
    routerOptions: { maxParamLength: 1_000 },
    frameworkErrors: (error, request, reply) => void send(request, reply, { status: error.statusCode ?? 400, problem: error.message }),
  });

  // Bodies are taken as bytes and read by the route's own schema; what a route does not take never gets so far.
  app.removeAllContentTypeParsers();
  app.addContentTypeParser("*", { parseAs: "buffer" }, (_request, body, done) => done(null, body));

  for (const [path, handle] of Object.entries(open)) {
    app.get(path, (request, reply) => {
      const who = gateOf(request).admit(request.raw, "open");
      if ("problem" in who) return void send(request, reply, who);
      reply.hijack();
      void handle(request.raw, reply.raw);
    });
  }
  for (const route of routes) {
    app.route({
      method: route.method,
      url: route.path.replaceAll(/\{(\w+)\}/g, ":$1"),
      bodyLimit: route.bodyMax ?? bodyMax,
      onRequest(request, reply, next) {
        const who = gateOf(request).admit(request.raw, route);
        const refused = "problem" in who ? who : refusedHead(request, route);
        if (refused === undefined) next();
        else send(request, reply, refused);
      },
      onResponse(_request, reply, next) {
        answered(route.name, reply.statusCode);
        next();
      },
      async handler(request, reply) {
        const principal = gateOf(request).admitted(request.raw) as Principal;
        const body = request.body instanceof Buffer ? request.body : undefined;
        if (request.headers["content-length"] === undefined && body !== undefined) gateOf(request).charge(principal, body.length);
        const asked = readAsked(request, route, principal);
        return send(request, reply, "problem" in asked ? asked : await answer(route, asked, request.url, body), route);
      },
    });
  }

  async function answer(route: Route, asked: Asked, url: string, body: Buffer | undefined): Promise<Answer> {
    if (route.method === "GET") return route.handle(asked);
    const key = route.method === "POST" ? asked.headers["idempotency-key"] : undefined;
    const scope = `${asked.principal.name} ${route.method} ${url}`;
    return replays.once({ key: Array.isArray(key) ? key.join() : key, scope, body }, async () => {
      let done: Answer = { status: 500, problem: "it failed" };
      try {
        done = await route.handle(asked);
        return done;
      } finally {
        if ((route.audits ?? "decision") === "decision") kept(route, asked, done);
      }
    });
  }

  function kept(route: Route, { principal, params }: Asked, done: Answer): void {
    const { subject = Object.values(params).join("/") || undefined, reason = isProblem(done) ? done.problem : undefined, detail } = done.audit ?? {};
    const result = done.status < 400 ? "done" : "refused";
    audit({ atWallMs: clock.wallMs(), who: principal.name, role: principal.role, action: route.name, subject, reason, result, detail });
  }

  // Before anything is read of it, and so also for methods whose requests Fastify would find fault with.
  app.addHook("onRequest", (request, reply, next) => {
    if (!request.is404) return next();
    const path = pathOf(request);
    const isOpen = Object.hasOwn(open, path);
    const allowed = isOpen ? ["GET"] : routes.filter((route) => isAt(path, route)).map(({ method }) => method);
    const who = gateOf(request).admit(request.raw, isOpen ? "open" : undefined);
    if ("problem" in who) return void send(request, reply, who);
    if (allowed.length === 0) return void send(request, reply, { status: 404, problem: `no route ${path.slice(0, 200)}` });
    const methods = allowed.flatMap((method) => (method === "GET" ? ["GET", "HEAD"] : [method]));
    send(request, reply, { status: 405, problem: `expected ${allowed.join(" or ")}`, headers: { allow: methods.join(", ") } });
  });
  app.setErrorHandler((error: Error & { readonly statusCode?: number }, request, reply) => {
    const status = error.statusCode ?? 500;
    if (status >= 400 && status < 500) return send(request, reply, { status, problem: error.message });
    deps.log.error({ error, path: pathOf(request) }, "a route failed");
    return send(request, reply, { status: 500, problem: "this is a fault in Pilotfish; its log says more" });
  });
  await app.ready();
  return {
    handle(request, response, gate) {
      gates.set(request, gate);
      app.routing(request, response);
    },
    close: () => app.close(),
  };
}

function isAt(path: string, route: Route): boolean {
  const pattern = route.path.split("/");
  const parts = path.split("/");
  return parts.length === pattern.length && pattern.every((part, i) => part === parts[i] || (part.startsWith("{") && parts[i] !== ""));
}

function pathOf(request: FastifyRequest): string {
  return request.url.split("?", 1)[0] as string;
}
