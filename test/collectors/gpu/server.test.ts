import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { parsePrometheusText } from "../../../agent/adapters/prometheus-text.ts";
import { figuresOfServer, serverGpu } from "../../../agent/collectors/gpu/server.ts";
import { ask } from "../../../agent/forward/ask.ts";
import { FakeClock } from "../../fake-clock.ts";
import { testServer } from "../../probes/server.ts";

const recorded = readFileSync(new URL("../../adapters/fixtures/prometheus-text/triton_t4.prom", import.meta.url), "utf8");

test("Triton's page, as recorded of a T4 that idles", () => {
  const parsed = parsePrometheusText(recorded);
  expect(parsed.ok && figuresOfServer(parsed.samples)).toEqual([
    {
      id: "GPU-951eeeeb-d284-d263-688e-d98a5306389b",
      name: "",
      driver: "",
      busyRatio: 0,
      memoryUsedBytes: 266_338_304,
      memoryTotalBytes: 16_106_127_360,
      powerW: 32.09,
      powerLimitW: 70,
      energyJ: expect.any(Number),
    },
  ]);
});

test("a server that tells nothing of a GPU is asked each half minute; one that did is asked each time, whatever it says since", async () => {
  const clock = new FakeClock();
  let asked = 0;
  let page = "up 1\n";
  await using server = await testServer((_, response) => {
    asked += 1;
    response.statusCode = page === "" ? 503 : 200;
    response.end(page);
  });
  const reader = serverGpu({ server: server.url, url: server.url, intervalMs: 2_000, timeoutMs: 1_000 }, { clock, ask });
  expect(await reader.read()).toMatchObject({ status: "unknown", detail: expect.stringContaining("tells nothing of a GPU") });
  page = 'nv_gpu_utilization{gpu_uuid="GPU-1"} 0.5\n';
  clock.advance(29_999);
  expect((await reader.read()).status).toBe("unknown");
  expect(asked).toBe(1);
  clock.advance(1);
  expect((await reader.read()).status).toBe("ok");
  page = "";
  expect(await reader.read()).toMatchObject({ status: "unknown", points: [] });
  page = 'nv_gpu_utilization{gpu_uuid="GPU-1"} 0.5\n';
  expect((await reader.read()).status).toBe("ok");
});
