/**
 * The table of routes on Fastify. Every error is a problem document, also those of routes that there are not; a handler that
 * throws answers 500 without its words, which the log has.
 */
import { createServer, type Server } from "node:http";
import fastify, { type FastifyInstance, type FastifyRequest } from "fastify";
import type { Principal } from "../principal.ts";
import { readAsked, refusedHead, send, type Refused } from "./exchange.ts";
import { connectionsMax, httpLimits, idleTimeoutMs, refuseConnection } from "./listening.ts";
import { openRoutes, type OpenRoutesDeps } from "./open-routes.ts";
import type { Route } from "./route.ts";
import { offersSignals } from "./upgrade.ts";

export interface ServerDeps extends OpenRoutesDeps {
  readonly routes: readonly Route[];
  readonly bodyMax: number;
  /** Who asks, or why it is not answered. Without a route: for one that there is not, or for health and metrics (`open`). */
  readonly admit: (request: FastifyRequest["raw"], route: Route | "open" | undefined) => Principal | Refused;
}

export function server({ routes, bodyMax, admit, ...deps }: ServerDeps): FastifyInstance {
  const open = openRoutes(deps);
  const admitted = new WeakMap<FastifyRequest, Principal>();
  const app = fastify({
    bodyLimit: bodyMax,
    serverFactory: (handler) => {
      const made: Server = createServer(
        {
          ...httpLimits,
          // What is not upgraded goes the way of every request, and so is refused there in the same words.
          shouldUpgradeCallback: (request) => offersSignals(request) && !("problem" in admit(request, signals)),
        },
        handler,
      );
      made.timeout = idleTimeoutMs;
      made.maxConnections = connectionsMax;
      return made;
    },
    forceCloseConnections: true,
    routerOptions: { maxParamLength: 1_000 },
    frameworkErrors: (error, request, reply) => void send(request, reply, { status: error.statusCode ?? 400, problem: error.message }),
    clientErrorHandler: refuseConnection,
  });
  const signals = routes.find(({ path, method }) => method === "GET" && path === "/v1/signals");

  // Bodies are taken as bytes and read by the route's own schema; what a route does not take never gets so far.
  app.removeAllContentTypeParsers();
  app.addContentTypeParser("*", { parseAs: "buffer" }, (_request, body, done) => done(null, body));

  for (const [path, handle] of Object.entries(open)) {
    app.get(path, (request, reply) => {
      const who = admit(request.raw, "open");
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
        const who = admit(request.raw, route);
        const refused = "problem" in who ? who : refusedHead(request, route);
        if (refused !== undefined) return void send(request, reply, refused);
        admitted.set(request, who as Principal);
        next();
      },
      async handler(request, reply) {
        const asked = readAsked(request, route, admitted.get(request) as Principal);
        return send(request, reply, "problem" in asked ? asked : await route.handle(asked), route);
      },
    });
  }

  app.setNotFoundHandler((request, reply) => {
    const path = pathOf(request);
    const allowed = [...(Object.hasOwn(open, path) ? ["GET"] : []), ...routes.filter((route) => isAt(path, route)).map(({ method }) => method)];
    const who = admit(request.raw, allowed.length > 0 && Object.hasOwn(open, path) ? "open" : undefined);
    if ("problem" in who) return send(request, reply, who);
    if (allowed.length === 0) return send(request, reply, { status: 404, problem: `no route ${path.slice(0, 200)}` });
    const methods = allowed.flatMap((method) => (method === "GET" ? ["GET", "HEAD"] : [method]));
    return send(request, reply, { status: 405, problem: `expected ${allowed.join(" or ")}`, headers: { allow: methods.join(", ") } });
  });
  app.setErrorHandler((error: Error & { readonly statusCode?: number }, request, reply) => {
    const status = error.statusCode ?? 500;
    if (status >= 400 && status < 500) return send(request, reply, { status, problem: error.message });
    deps.log.error({ error, path: pathOf(request) }, "a route failed");
    return send(request, reply, { status: 500, problem: "this is a fault in Pilotfish; its log says more" });
  });
  return app;
}

function isAt(path: string, route: Route): boolean {
  const pattern = route.path.split("/");
  const parts = path.split("/");
  return parts.length === pattern.length && pattern.every((part, i) => part === parts[i] || (part.startsWith("{") && parts[i] !== ""));
}

function pathOf(request: FastifyRequest): string {
  return request.url.split("?", 1)[0] as string;
}
