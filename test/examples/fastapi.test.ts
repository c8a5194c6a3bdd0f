/** The FastAPI example does what Pilotfish says: a small publisher in Pilotfish's place, and the app under uvicorn as a user starts it. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { describe, expect, onTestFinished, test } from "vitest";
import { freePort } from "../../agent/cli/demo/free-port.ts";
import { clientFolder, isSkipped, python } from "../conformance/python-client.ts";
import { fakePublisher, sendSnapshot, stateBody, target } from "./fake-publisher.ts";

const drain = { target, rev: 2, action: "drain", why: "the answers drifted", at: "2026-01-01T00:00:00.000Z" } as const;

async function startApp(publisherUrl: string): Promise<string> {
  const port = await freePort();
  const app = spawn(python, ["-m", "uvicorn", "fastapi_app:app", "--port", String(port)], { cwd: clientFolder, env: { ...process.env, PILOTFISH: publisherUrl }, stdio: "ignore" });
  onTestFinished(async () => {
    app.kill("SIGKILL");
    if (app.exitCode === null) await once(app, "exit");
  });
  return `http://127.0.0.1:${port}`;
}

async function predict(url: string): Promise<number> {
  const response = await fetch(`${url}/predict`, { method: "POST", headers: { "content-type": "application/json" }, body: JSON.stringify({ a: 1, b: 2 }) });
  await response.arrayBuffer();
  return response.status;
}

/** It hears by its own connection, so what it was told shows when it shows. */
const untilReady = (url: string, status: number) => expect.poll(async () => (await fetch(`${url}/ready`)).status, { timeout: 10_000, interval: 20 }).toBe(status);

describe.skipIf(isSkipped)("the FastAPI example", () => {
  test("told to drain it refuses new work; told to restore it takes it; a publisher that dies does not keep it idle", async () => {
    const publisher = await fakePublisher();
    const url = await startApp(publisher.url);
    const connection = await publisher.connection();
    sendSnapshot(connection, 1, [stateBody(1, { leaseMs: 2_000 })]);
    await untilReady(url, 200);
    expect(await predict(url)).toBe(200);
    connection.send("directive", drain, 2);
    await untilReady(url, 503);
    expect(await predict(url)).toBe(503);
    connection.send("directive", { ...drain, rev: 3, action: "restore", of: ["drain"] }, 3);
    await untilReady(url, 200);
    connection.send("directive", { ...drain, rev: 4 }, 4);
    await untilReady(url, 503);
    await publisher[Symbol.asyncDispose]();
    await untilReady(url, 200); // By the lease.
    expect(await predict(url)).toBe(200);
  });
});
