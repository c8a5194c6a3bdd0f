/** argv to command to exit code: the only file that knows the process. */
import { MessageChannel } from "node:worker_threads";
import { exit } from "./cli/world.ts";
import { keepHeapSmall } from "./small-heap.ts";

const growWhereBusy = keepHeapSmall();

process.on("unhandledRejection", (error) => fatal(error));
process.on("uncaughtException", (error) => fatal(error));

function fatal(error: unknown): void {
  process.stderr.write(`pilotfish: a fault of its own, please report it: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}\n`);
  process.exit(exit.failed);
}

// ONNX Runtime tells its maker of models and runs unless this is set before it is loaded, and keeps a database for that (3 MB).
process.env["ORT_DISABLE_TELEMETRY"] ??= "1";

// A reader that goes away (`pilotfish … | head`) is no fault.
process.stdout.on("error", () => process.exit(exit.done));

// Started by the launcher on an older Node: end when it ends.
if (process.env["PILOTFISH_END_WITH_PARENT"] === "1") process.once("disconnect", () => process.kill(process.pid, "SIGTERM"));

// A command that only waits has nothing open, and waits keep no process alive: this does, until the command says that it is done.
const awake = new MessageChannel();
awake.port1.on("message", () => {});

const { cli } = await import("./cli/cli.ts");
const code = await cli(process.argv.slice(2), {
  env: process.env,
  cwd: process.cwd(),
  out: (text) => void process.stdout.write(text),
  err: (text) => void process.stderr.write(text),
  written,
  input: () => process.stdin,
  interactive: process.stdout.isTTY === true,
  errInteractive: process.stderr.isTTY === true,
  columns: process.stdout.columns ?? process.stderr.columns ?? 100,
  size: () => ({ columns: process.stdout.columns ?? 100, rows: process.stdout.rows ?? 24 }),
  onResize(run) {
    process.stdout.on("resize", run);
    return () => void process.stdout.off("resize", run);
  },
  logFd: 1,
  started: growWhereBusy,
  abandon() {
    process.kill(process.pid, "SIGKILL");
    throw new Error("unreachable");
  },
  self: [process.execPath, ...process.execArgv, process.argv[1] ?? ""],
  onSignal: (signal, run) => void process.on(signal, () => run()),
});

// A pipe takes what is written in its own time, and an exit would cut off the rest.
await written();
process.exit(code);

function written(): Promise<void> {
  return new Promise((resolve) => process.stdout.write("", () => resolve()));
}
