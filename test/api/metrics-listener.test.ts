import { once } from "node:events";
import { createServer, type AddressInfo } from "node:net";
import { afterEach, expect, test } from "vitest";
import { metricsListener, metricsOptions } from "../../agent/api/metrics-listener.ts";
import type { OpenRoutesDeps } from "../../agent/api/open-routes.ts";
import type { Close } from "../../agent/lifecycle.ts";
import { silent } from "../../agent/log.ts";
import { FakeClock } from "../fake-clock.ts";

const deps: OpenRoutesDeps & { readonly clock: FakeClock } = {
  clock: new FakeClock(),
  log: silent,
  ready: () => ({ ready: false, reasons: ["the gateway is not listening"] }),
  metrics: (_, response) => void response.end("pilotfish_up 1\n"),
};

let close: Close | undefined;
afterEach(async () => {
  await close?.();
  close = undefined;
});

async function open(changed: Partial<OpenRoutesDeps> = {}): Promise<string> {
  const started = await metricsListener(metricsOptions.parse({ host: "127.0.0.1", port: 0 }), { ...deps, ...changed }).start();
  close = started.close;
  return `http://127.0.0.1:${started.address.port}`;
}

test("metrics and health, and nothing else", async () => {
  const url = await open();
  expect(await (await fetch(`${url}/metrics?name=x`)).text()).toBe("pilotfish_up 1\n");
  expect((await fetch(`${url}/livez`)).status).toBe(200);
  const ready = await fetch(`${url}/readyz`);
  expect([ready.status, await ready.json()]).toEqual([503, { ready: false, reasons: ["the gateway is not listening"] }]);

  for (const path of ["/", "/v1/state", "/__proto__", "/constructor"]) {
    const answer = await fetch(url + path);
    expect([answer.status, answer.headers.get("content-type")]).toEqual([404, "application/problem+json"]);
  }
  const wrong = await fetch(`${url}/metrics`, { method: "POST", body: "x" });
  expect([wrong.status, wrong.headers.get("allow")]).toEqual([405, "GET, HEAD"]);
});

test("a scrape that fails is a 500, and the next one is served", async () => {
  let calls = 0;
  const url = await open({
    metrics: async (_, response) => {
      calls += 1;
      if (calls === 1) throw new Error("broken");
      response.end("fine\n");
    },
  });
  expect((await fetch(`${url}/metrics`)).status).toBe(500);
  expect(await (await fetch(`${url}/metrics`)).text()).toBe("fine\n");
});

test("a port in use is named, with the option to change", async () => {
  const other = createServer().listen(0, "127.0.0.1");
  await once(other, "listening");
  const { port } = other.address() as AddressInfo;
  const listener = metricsListener(metricsOptions.parse({ host: "127.0.0.1", port }), deps);
  await expect(listener.start()).rejects.toThrow(`can not listen on 127.0.0.1:${port}: the port is in use; change metrics.port`);
  other.close();
});

test("options: the defaults that Prometheus expects", () => {
  expect(metricsOptions.parse({})).toEqual({ host: "0.0.0.0", port: 9_464 });
});
