import { spawn } from "node:child_process";
import { once } from "node:events";
import { expect, test } from "vitest";
import { systemClock } from "../../agent/clock.ts";
import { listeners, serverProcess } from "../../agent/collectors/server-process.ts";
import { FakeClock } from "../fake-clock.ts";
import { stat, Tree } from "./tree.ts";

const header = "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode\n";
const row = (index: number, local: string, state: string, inode: number) =>
  `   ${index}: ${local} 00000000:0000 ${state} 00000000:00000000 00:00000000 00000000     0        0 ${inode} 1 00000000e3a51c42 100 0 0 10 0\n`;
const table = header + row(0, "0100007F:1F90", "0A", 1_673) + row(1, "0100007F:1F90", "01", 1_674) + row(2, "00000000:0050", "0A", 1_675);

/** A server on 8080 (0x1F90) that is process 42, with a worker, 43, that holds its socket too. */
const machine = {
  "net/tcp": table,
  "net/tcp6": header,
  "7/fd/3": "-> socket:[999]",
  "42/stat": stat({ pid: 42 }),
  "42/fd/3": "-> socket:[1673]",
  "43/stat": stat({ pid: 43, parent: 42 }),
  "43/fd/3": "-> socket:[1673]",
};
const server = new URL("http://127.0.0.1:8080");
const optionsOf = (tree: Tree, url = server) => ({ proc: tree.root, server: url, pid: "auto" as const });

test("of the sockets on a port only those that listen count", () => {
  expect(listeners(table, 8_080)).toEqual(["1673"]);
  expect(listeners(table, 80)).toEqual(["1675"]);
  expect(listeners(table, 8_081)).toEqual([]);
});

test("the server is who listens on its port: the parent, not its workers", async () => {
  using tree = new Tree(machine);
  expect(await serverProcess(optionsOf(tree), new FakeClock())()).toEqual({ found: true, pid: 42 });
});

test.each([
  ["another machine's", "http://192.0.2.1:8080", "192.0.2.1 is not an address of this machine"],
  ["a free port", "http://127.0.0.1:8081", "nobody listens on port 8081"],
  ["a process of which nothing is shown", "http://127.0.0.1", "the process that listens on port 80 is not shown to this user or in this process namespace"],
])("%s process is unknown, in words", async (_, url, detail) => {
  using tree = new Tree(machine);
  expect(await serverProcess(optionsOf(tree, new URL(url)), new FakeClock())()).toEqual({ found: false, detail });
});

test("a server that died and was started anew is found again; its old number proves nothing", async () => {
  using tree = new Tree(machine);
  const clock = new FakeClock();
  const find = serverProcess(optionsOf(tree), clock);
  await find();
  // The worker is gone with it, and somebody else got the number 42.
  tree.remove("42");
  tree.remove("43");
  tree.write("42/stat", stat({ pid: 42, name: "sh", startTicks: 9_000 }));
  tree.write("99/stat", stat({ pid: 99, startTicks: 9_001 }));
  tree.write("99/fd/3", "-> socket:[1673]");
  expect(await find()).toEqual({ found: true, pid: 99 });
});

test("a search that found nobody is not made again before its time", async () => {
  using tree = new Tree({ ...machine, "net/tcp": header });
  const clock = new FakeClock();
  const find = serverProcess(optionsOf(tree), clock);
  expect(await find()).toMatchObject({ found: false });
  tree.write("net/tcp", table);
  clock.advance(9_000);
  expect(await find()).toMatchObject({ found: false });
  clock.advance(1_000);
  expect(await find()).toEqual({ found: true, pid: 42 });
});

test("a configured process is taken at its word", async () => {
  using tree = new Tree();
  expect(await serverProcess({ proc: tree.root, server, pid: 42 }, new FakeClock())()).toEqual({ found: true, pid: 42 });
});

test.skipIf(process.platform !== "linux")("a real server in another process is found by its port", async () => {
  const program = 'const s=require("node:http").createServer().listen(0,"127.0.0.1",()=>console.log(s.address().port))';
  const child = spawn(process.execPath, ["-e", program], { stdio: ["ignore", "pipe", "inherit"] });
  try {
    const [port] = (await once(child.stdout, "data")) as [Buffer];
    const find = serverProcess({ proc: "/proc", server: new URL(`http://127.0.0.1:${port.toString().trim()}`), pid: "auto" }, systemClock);
    expect(await find()).toEqual({ found: true, pid: child.pid });
  } finally {
    child.kill("SIGKILL");
  }
});
