import { execFileSync } from "node:child_process";
import { closeSync, constants, mkdtempSync, openSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { logOptions, makeLog } from "../../exporters/logs.ts";
import { FakeClock } from "../fake-clock.ts";

function logged(write: (log: ReturnType<typeof makeLog>) => void, level: string = "info", format: string = "json"): Record<string, unknown>[] {
  const lines: Record<string, unknown>[] = [];
  const destination = { write: (line: string) => void lines.push(JSON.parse(line) as Record<string, unknown>) };
  write(makeLog(logOptions.parse({ level, format }), destination, new FakeClock(), "0.1.0"));
  return lines;
}

test("a line is JSON with a time, a level in words, its fields and its message, and nothing of the process", () => {
  const [line] = logged((log) => log.warn({ model: "employment", attempts: 2 }, "the primary fails"));
  expect(line).toEqual({ level: "warn", time: "2026-01-01T00:00:00.000Z", model: "employment", attempts: 2, msg: "the primary fails" });
});

test("what is less severe than the level is not written", () => {
  const write = (log: ReturnType<typeof makeLog>) => {
    for (const level of ["debug", "info", "warn", "error"] as const) log[level]({}, level);
  };
  expect(logged(write).map(({ msg }) => msg)).toEqual(["info", "warn", "error"]);
  expect(logged(write, "error").map(({ msg }) => msg)).toEqual(["error"]);
  expect(logOptions.parse({})).toEqual({ level: "info", format: "json" });
  expect(logOptions.safeParse({ level: "loud" }).success).toBe(false);
});

test("secrets are not written, wherever they stand", () => {
  const text = JSON.stringify(
    logged((log) => {
      log.info({ authorization: "secret-1", token: "secret-2" }, "top");
      log.info({ headers: { authorization: "secret-3", cookie: "secret-4", "set-cookie": ["secret-5"], accept: "kept-1" } }, "headers");
      log.info({ request: { headers: { authorization: "secret-6", host: "kept-2" } } }, "request");
    }),
  );
  expect(text).not.toContain("secret-");
  expect(text).toContain("kept-1");
  expect(text).toContain("kept-2");
  expect(text.match(/\[Redacted\]/g)).toHaveLength(6);
});

test("a line about a request carries the ids of its trace", () => {
  const [line, none] = logged((log) => {
    log.info({ traceparent: "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01" }, "answered");
    log.info({ traceparent: "nonsense" }, "answered");
  });
  expect(line).toMatchObject({ trace_id: "4bf92f3577b34da6a3ce929d0e0e4736", span_id: "00f067aa0ba902b7" });
  expect(line).not.toHaveProperty("traceparent");
  expect(none).not.toHaveProperty("trace_id");
});

test("an error is written with its message and stack, under either name", () => {
  const lines = logged((log) => {
    log.error({ err: new Error("no route") }, "failed");
    log.error({ error: new Error("no route") }, "failed");
  });
  expect(lines[0]?.["err"]).toMatchObject({ message: "no route", stack: expect.stringContaining("logs.test.ts") as string });
  expect(lines[1]?.["error"]).toMatchObject({ message: "no route" });
});

test("a file descriptor takes the lines in order, and all of them are there once it is closed", async () => {
  const folder = mkdtempSync(join(tmpdir(), "pilotfish-log-"));
  const file = openSync(join(folder, "log"), "a");
  const log = makeLog(logOptions.parse({}), file);
  for (let i = 0; i < 100; i += 1) {
    log.info({ i }, "line");
    if (i % 10 === 0) await new Promise((resolve) => setImmediate(resolve));
  }
  await log.close();
  const lines = readFileSync(join(folder, "log"), "utf8").trim().split("\n");
  expect(lines.map((line) => (JSON.parse(line) as { i: number }).i)).toEqual(Array.from({ length: 100 }, (_, i) => i));
  expect(log.dropped).toBe(0);
  closeSync(file);
  rmSync(folder, { recursive: true });
});

test("a disk that is full costs lines, which are counted, and nothing else", async () => {
  const full = openSync("/dev/full", "w");
  const log = makeLog(logOptions.parse({}), full);
  for (let i = 0; i < 3; i += 1) {
    log.info({}, "this can not be written");
    await log.close();
  }
  expect(log.dropped).toBe(3);
  closeSync(full);
});

test("behind a pipe that nobody reads, lines wait up to a bound and are let go beyond it; closing does not wait for ever", async () => {
  const folder = mkdtempSync(join(tmpdir(), "pilotfish-log-"));
  const path = join(folder, "pipe");
  execFileSync("mkfifo", [path]);
  const pipe = openSync(path, constants.O_RDWR | constants.O_NONBLOCK);
  const clock = new FakeClock();
  const log = makeLog(logOptions.parse({}), pipe, clock);
  const long = "x".repeat(10_000);
  for (let i = 0; i < 1_000; i += 1) log.info({ long }, "line");
  await expect.poll(() => clock.pending).toBe(1);
  for (let i = 0; i < 1_000; i += 1) log.info({ long }, "line");
  // Of 20 MB, 4 MiB are on their way and 4 MiB wait.
  expect(log.dropped).toBeGreaterThan(1_100);
  expect(log.dropped).toBeLessThan(1_300);
  const closed = log.close();
  clock.advance(1_000);
  await closed;
  closeSync(pipe);
  rmSync(folder, { recursive: true });
});

/** Fields of ECS 8.11 with their types, as far as a log of ours may use them. Source: the ECS field reference. */
const ecsFieldTypes: Readonly<Record<string, "string" | "date">> = {
  "@timestamp": "date", "log.level": "string", message: "string", "ecs.version": "string",
  "service.name": "string", "service.version": "string", "event.dataset": "string", "event.action": "string",
  "error.type": "string", "error.message": "string", "error.code": "string", "error.stack_trace": "string",
  "trace.id": "string", "span.id": "string",
};

function flat(value: unknown, path: string = ""): [string, unknown][] {
  if (typeof value !== "object" || value === null) return [[path, value]];
  return Object.entries(value).flatMap(([key, one]) => flat(one, path === "" ? key : `${path}.${key}`));
}

test("ecs: every field is one of the Elastic Common Schema's, of its type, or stands under pilotfish", () => {
  const lines = logged((log) => {
    log.info({}, "plain");
    log.warn({ model: "employment", cause: { code: "refused", evidence: "3 in a row" } }, "with fields of its own");
    log.error({ error: Object.assign(new TypeError("no route"), { code: "ENOENT" }), traceparent: "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01" }, "an error");
    log.error({ error: "in words", event: "reload" }, "an error in words");
    log.info({ error: 17, level: "mine", message: "mine", time: 3, "@timestamp": "mine", ecs: "mine" }, "names that are taken");
  }, "info", "ecs");
  for (const line of lines) {
    for (const [field, value] of flat(line).filter(([name]) => !name.startsWith("pilotfish."))) {
      expect([field, ecsFieldTypes[field]]).toEqual([field, expect.any(String) as string]);
      expect([field, typeof value]).toEqual([field, "string"]);
      if (ecsFieldTypes[field] === "date") expect(new Date(value as string).toISOString()).toBe(value);
    }
    expect(Object.fromEntries(flat(line))).toMatchObject({ "ecs.version": "8.11.0", "service.name": "pilotfish", "service.version": "0.1.0", "event.dataset": "pilotfish.log" });
  }
  expect(lines[1]).toMatchObject({ "log.level": "warn", "@timestamp": "2026-01-01T00:00:00.000Z", message: "with fields of its own", pilotfish: { model: "employment", cause: { code: "refused" } } });
  expect(lines[2]).toMatchObject({ error: { type: "TypeError", code: "ENOENT", message: "no route" }, trace: { id: "4bf92f3577b34da6a3ce929d0e0e4736" }, span: { id: "00f067aa0ba902b7" } });
  expect(lines[4]).toMatchObject({ "log.level": "info", message: "names that are taken", pilotfish: { error: 17, level: "mine", time: 3 } });
});

test("credentials are taken out of text too: URLs, tokens, queries, messages, errors and their causes", () => {
  const text = JSON.stringify(
    logged((log) => {
      log.warn({ url: "http://me:secret-1@server:8080/v2", also: new URL("https://secret-2@server/") }, "asked http://me:secret-3@server/x and got 401");
      log.warn({ detail: "authorization: Bearer secret-4", query: "/x?token=secret-5&kept=1" }, "sent basic c2VjcmV0LTY=");
      log.error({ error: new Error("at http://a:secret-7@b/", { cause: new Error("Bearer secret-8") }) }, "failed");
      log.error({ body: Buffer.from("secret-9"), deep: { a: { b: { apiKey: "secret-10", passwd: "secret-11" } } }, headers: new Map([["Cookie", "secret-12"]]) }, "bodies");
    }),
  );
  expect(text).not.toMatch(/secret-|c2VjcmV0/);
  expect(text).toContain("kept=1");
  expect(text).toContain("[8 bytes]");
});
