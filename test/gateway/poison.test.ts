/** A request that kills the server: it is found out, tried alone, and refused, and nobody else loses an answer. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import type { ChildProcess } from "node:child_process";
import type { AddressInfo, Socket } from "node:net";
import { createServer as createTcpServer } from "node:net";
import { expect, onTestFinished } from "vitest";
import type { Question, RungAnswer } from "../../agent/backend.ts";
import { emptyQuarantine, type Quarantine } from "../../agent/gateway/quarantine.ts";
import { quarantineOptions } from "../../agent/gateway/quarantine-options.ts";
import type { SavedQuarantine } from "../../agent/gateway/saved-quarantine.ts";
import { quarantineKeeper } from "../../agent/gateway/quarantine-keeper.ts";
import { silent } from "../../agent/log.ts";
import { kserve } from "../../agent/protocols/kserve.ts";
import { openai } from "../../agent/protocols/openai.ts";
import { FakeClock } from "../fake-clock.ts";
import { bodyOf, deadAddress, fallback, httpServer, post, rawServer, rung, stage, test, type Answer } from "./stage.ts";

const question = (age: number): string => JSON.stringify({ inputs: [{ name: "AGEP", shape: [1, 1], datatype: "FP32", data: [age] }] });
const poison = question(666);

/** One state for a stage's gateways, whose time is `clock`'s. */
function keeper(clock: FakeClock = new FakeClock(), saved?: unknown) {
  const told: { suspects: number; letGo: number; saved: SavedQuarantine | undefined } = { suspects: 0, letGo: 0, saved: undefined };
  const kept = quarantineKeeper(quarantineOptions.parse({}), {
    clock, log: silent, saved,
    save: (state) => (told.saved = state),
    suspects: (count) => (told.suspects = count),
    letGo: (count) => (told.letGo += count),
  });
  return { ...kept, told, clock };
}

const suspectsOf = ({ suspects }: Quarantine): readonly number[] => [...suspects.values()].map(({ crashes }) => crashes);

/** In the sidecar: it may answer whatever comes. */
const inside = () => ({ ...rung("default", fallback()), kind: "default", inside: true });

/** A model server in a process of its own, which dies of the poison; `start` after each death, at the same port. */
async function mortalServer() {
  const free = createTcpServer().listen(0, "127.0.0.1");
  await once(free, "listening");
  const { port } = free.address() as AddressInfo;
  await new Promise((resolve) => free.close(resolve));
  const script = `require("node:http").createServer((request, response) => {
    let body = "";
    request.on("data", (chunk) => (body += chunk)).on("end", () => {
      if (body.includes("666")) process.exit(139);
      response.writeHead(200, { "content-type": "application/json" }).end('{"model_name":"employment","outputs":[]}');
    });
  }).listen(${port}, "127.0.0.1", () => process.stdout.write("up"));`;
  let child: ChildProcess;
  let deaths = 0;
  const start = async (): Promise<void> => {
    child = spawn(process.execPath, ["-e", script], { stdio: ["ignore", "pipe", "inherit"] });
    child.once("exit", () => (deaths += 1));
    await once(child.stdout as NonNullable<ChildProcess["stdout"]>, "data");
  };
  const dead = async (): Promise<void> => {
    if (child.exitCode === null) await once(child, "exit");
  };
  onTestFinished(() => void child.kill("SIGKILL"));
  await start();
  return { url: new URL(`http://127.0.0.1:${port}`), start, dead, deaths: () => deaths };
}

const statuses = (answers: readonly Answer[]) => answers.map(({ status }) => status);

test("a server process that dies of one input: after the second crash the input is refused, and other clients never fail", async () => {
  const server = await mortalServer();
  const quarantine = keeper();
  const { url, attempts } = await stage(server.url, { quarantine, clock: quarantine.clock, rungs: [inside()] });
  const others = async (count: number) => Promise.all(Array.from({ length: count }, (_, i) => post(url, question(20 + i))));

  expect(statuses(await others(4))).toEqual([200, 200, 200, 200]);
  const first = await Promise.all([post(url, poison), others(4)]);
  expect([first[0].status, first[0].headers["pilotfish-rung"]]).toEqual([200, "default"]);
  expect(statuses(first[1])).toEqual([200, 200, 200, 200]);
  await server.dead();
  expect(statuses(await others(4))).toEqual([200, 200, 200, 200]);
  expect(suspectsOf(quarantine.current())).toContain(1);

  await server.start();
  expect(statuses(await others(4))).toEqual([200, 200, 200, 200]);
  expect((await post(url, poison)).status).toBe(200); // Tried alone, and then the rung in the sidecar.
  await server.dead();
  expect(suspectsOf(quarantine.current())).toContain(2);

  await server.start();
  const asked = attempts().filter(({ backend }) => backend === "primary").length;
  const { status, headers } = await post(url, poison);
  expect([status, headers["pilotfish-rung"], headers["pilotfish-reason"]]).toEqual([200, "default", "quarantine"]);
  expect(attempts().filter(({ backend }) => backend === "primary")).toHaveLength(asked);
  expect(statuses(await others(4))).toEqual([200, 200, 200, 200]);
  expect(server.deaths()).toBe(2);
});

test("without a rung in the sidecar the guilty request is refused with 422, why and for how long, and no other server is given it", async () => {
  const server = await mortalServer();
  const quarantine = keeper();
  onTestFinished(quarantine.start());
  const replica = rung("replica", fallback());
  const { url, exchanges } = await stage(server.url, { quarantine, clock: quarantine.clock, rungs: [replica] });
  expect((await post(url, poison)).status).toBe(503);
  await server.dead();
  await server.start();
  const second = await post(url, poison);
  expect([second.status, second.headers["pilotfish-reason"]]).toEqual([422, "quarantine"]);
  await server.dead();
  await server.start();
  const { status, headers, body } = await post(url, poison);
  expect([status, headers["content-type"], headers["retry-after"], headers["pilotfish-rung"], headers["pilotfish-reason"]]).toEqual([422, "application/problem+json", "600", "none", "quarantine"]);
  const message = "the model server crashed 2 times with this request in flight; it is refused for 600 s more";
  expect(JSON.parse(body.toString())).toEqual({ error: message, type: "about:blank", title: "Unprocessable Content", status: 422, detail: message, crashes: 2 });
  expect(exchanges().at(-1)).toMatchObject({ outcome: "rejected", reason: "quarantine", attempts: 0 });
  expect(replica.asked).toEqual([]);
  expect((await post(url, question(30))).status).toBe(200);

  quarantine.clock.advance(600_000); // It may try again, and is no better.
  expect((await post(url, poison)).status).toBe(503);
  await server.dead();
  expect(server.deaths()).toBe(3);
});

test("who was in flight at a crash beside the killer is answered by another server, and acquitted; the killer stays suspect", async () => {
  const quarantine = keeper();
  const waiting: Socket[] = [];
  let dead = false;
  const server = await rawServer((socket) => void (dead ? socket.resetAndDestroy() : waiting.push(socket)));
  // The input kills any server: the other one breaks off too.
  const dies = (asked: Question): RungAnswer => (asked.body.toString() === poison ? { outcome: "error", detail: "reset" } : fallback());
  const other = { ...rung("other", (asked) => Promise.resolve(dies(asked))), kind: "replica" };
  const { url } = await stage(server, { quarantine, clock: quarantine.clock, rungs: [other] });
  const bodies = [poison, ...Array.from({ length: 5 }, (_, i) => question(20 + i))];
  const answers = bodies.map((body) => post(url, body));
  for (let turns = 0; waiting.length < bodies.length && turns < 5_000; turns += 1) await new Promise(setImmediate);
  expect(waiting).toHaveLength(bodies.length);
  dead = true;
  for (const socket of waiting) socket.resetAndDestroy();
  expect(statuses(await Promise.all(answers))).toEqual([503, 200, 200, 200, 200, 200]);
  expect(other.asked.filter(({ body }) => body.toString() === poison)).toHaveLength(1);
  expect(suspectsOf(quarantine.current())).toEqual([1]); // The others are acquitted.
});

test("clients of every protocol find the refusal where they look for errors", async () => {
  const refusals = [
    [kserve, "/v1/models/m:predict", '{"instances":[[1]]}', (body: { error: unknown }) => typeof body.error],
    [openai, "/v1/chat/completions", '{"model":"m","messages":[{"role":"user","content":"hi"}]}', (body: { error: { message: unknown } }) => typeof body.error.message],
  ] as const;
  for (const [protocol, path, body, message] of refusals) {
    const quarantine = keeper();
    const { url } = await stage(await rawServer((socket) => socket.destroy()), { quarantine, clock: quarantine.clock, protocol });
    await post(url, body, {}, path); // Its connection breaks twice, the second attempt included: one crash.
    await post(url, body, {}, path);
    const answer = await post(url, body, {}, path);
    expect([answer.status, answer.headers["content-type"]]).toEqual([422, "application/problem+json"]);
    expect(message(JSON.parse(answer.body.toString()) as never)).toBe("string");
  }
});

test("a request that was answered well of late is not blamed for a crash: its rungs stay", async () => {
  const quarantine = keeper();
  let breaks = false;
  const server = await httpServer((request, response) => {
    if (breaks) request.socket.destroy();
    else void bodyOf(request).then(() => response.end('{"model_name":"employment","outputs":[]}'));
  });
  const { url } = await stage(server, { quarantine, clock: quarantine.clock, rungs: [rung("replica", fallback())] });
  await post(url, question(40));
  breaks = true;
  const answers = await Promise.all(Array.from({ length: 6 }, () => post(url, question(40))));
  expect(answers.map(({ status, headers }) => [status, headers["pilotfish-rung"]])).toEqual(answers.map(() => [200, "replica"]));
  expect(quarantine.current().suspects.size).toBe(0);
});

test("a suspect that is answered well is innocent; meanwhile another one has patience", async () => {
  const quarantine = keeper();
  let breaks = true;
  let answer = (): void => {};
  const held = new Promise<void>((resolve) => (answer = resolve));
  let arrived = (): void => {};
  const came = new Promise<void>((resolve) => (arrived = resolve));
  const server = await httpServer((request, response) => {
    if (breaks) request.socket.destroy();
    else void bodyOf(request).then(async () => {
      arrived();
      await held;
      response.end('{"model_name":"employment","outputs":[]}');
    });
  });
  const { url } = await stage(server, { quarantine, clock: quarantine.clock });
  await post(url, question(1));
  await post(url, question(2));
  expect(suspectsOf(quarantine.current())).toEqual([1, 1]);
  breaks = false;
  const tried = post(url, question(1));
  await came;
  const patient = await post(url, question(2));
  expect([patient.status, patient.headers["retry-after"], patient.headers["pilotfish-reason"]]).toEqual([503, "1", "quarantine"]);
  answer();
  expect((await tried).status).toBe(200);
  expect((await post(url, question(2))).status).toBe(200);
  expect(quarantine.current().suspects.size).toBe(0);
});

test("what is in flight when the process is found gone or hanging is suspect; a reload and a restart know it still", async () => {
  const quarantine = keeper();
  const server = await httpServer(() => {});
  const rungs = [rung("replica", fallback())];
  const { url, gateway } = await stage(server, { quarantine, clock: quarantine.clock, rungs });
  const asking = post(url, poison);
  while (gateway.work().inFlight === 0) await new Promise(setImmediate);
  gateway.release("stalled");
  const { status, headers } = await asking;
  expect([status, headers["pilotfish-rung"], headers["pilotfish-reason"]]).toEqual([200, "replica", "stalled"]);
  expect(suspectsOf(quarantine.current())).toEqual([1]);
  expect(quarantine.told.suspects).toBe(1);

  const restarted = keeper(new FakeClock(), quarantine.told.saved);
  expect([...restarted.current().suspects.keys()]).toEqual([...quarantine.current().suspects.keys()]);
  const close = restarted.start();
  restarted.clock.advance(601_000);
  await close();
  expect(restarted.current().suspects.size).toBe(0);
});

test("a server that is not there makes nobody suspect, and a quarantine that is switched off hears nothing", async () => {
  const quarantine = keeper();
  const { url } = await stage(await deadAddress(), { quarantine, clock: quarantine.clock });
  await post(url, poison);
  expect(quarantine.current()).toBe(emptyQuarantine);
  const off = await stage(await rawServer((socket) => socket.destroy()), { quarantine, clock: quarantine.clock }, { quarantine: { enabled: false } });
  await post(off.url, poison);
  expect(quarantine.current()).toBe(emptyQuarantine);
});
