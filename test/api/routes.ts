/** Asks a route of a table as the server does: finds it by method and path, reads query and body by its schemas, and calls its handler. */
import type { Answer, Route } from "../../agent/api/route.ts";
import { mistakesOf } from "../../agent/api/problem.ts";
import type { Principal } from "../../agent/principal.ts";

export interface Asking {
  readonly principal: Principal;
  readonly query?: Readonly<Record<string, string>>;
  readonly body?: unknown;
}

export async function askRoute(routes: readonly Route[], method: string, path: string, { principal, query = {}, body }: Asking): Promise<Answer> {
  for (const route of routes) {
    const found = new RegExp(`^${route.path.replaceAll(/\{(\w+)\}/g, "(?<$1>[^/]+)")}$`).exec(path);
    if (route.method !== method || found === null) continue;
    const parsed = [route.query?.safeParse(query), route.body?.safeParse(body)];
    const mistakes = parsed.flatMap((one) => (one?.success === false ? mistakesOf(one.error) : []));
    if (mistakes.length > 0) return { status: 400, problem: "the request has mistakes", errors: mistakes };
    return route.handle({ principal, params: { ...found.groups }, query: parsed[0]?.data, body: parsed[1]?.data, headers: {} });
  }
  throw new Error(`no route ${method} ${path}`);
}
