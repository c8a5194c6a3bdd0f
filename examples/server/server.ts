/**
 * A small, complete model server to try Pilotfish with and to start your own from: the Open Inference Protocol v2 on
 * onnxruntime, metrics that show progress, and a subscriber that does as Pilotfish says.
 *
 *     node examples/server/server.ts --models examples/employment/models --port 8080
 *
 * Prints `{"msg":"listening","port":8080,...}` once it takes requests. SIGTERM and SIGINT let it finish what it has begun.
 */
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { type Answer, refuse } from "./answer.ts";
import { makeLog } from "./log.ts";
import { Metrics } from "./metrics.ts";
import { answer, type World } from "./open-inference.ts";
import { parseOptions, usage, type Options } from "./options.ts";
import { Repository } from "./repository.ts";
import { followSignals } from "./signals.ts";
import { Work } from "./work.ts";

const stopMs = 10_000;

async function serve(options: Options): Promise<void> {
  const log = makeLog(options.log, (line) => process.stdout.write(line));
  const repository = await Repository.open(options.models);
  const metrics = new Metrics();
  for (const { model, version } of repository.loaded) metrics.loaded(model, version);
  const work = new Work(options.queue);
  const world: World = { repository, work, metrics, log, bodyBytesMax: options.bodyBytes };

  const server = createServer((request, response) => void respond(world, request, response));
  // Longer than clients keep their idle connections, so that it is they who close them.
  server.keepAliveTimeout = 75_000;
  server.requestTimeout = 30_000;
  server.listen(options.port, options.host);
  await new Promise((resolve, reject) => server.once("listening", resolve).once("error", reject));

  const { port } = server.address() as AddressInfo;
  log("listening", { port, host: options.host, models: repository.loaded.map(({ model, version }) => `${model}/${version}`) });
  const unfollow =
    options.pilotfish === undefined
      ? () => {}
      : followSignals({ url: options.pilotfish, token: process.env["PILOTFISH_TOKEN"] }, work, log);

  const stop = (signal: string) => {
    log("stopping", { signal, inProgress: work.inProgress });
    work.drain("stop");
    unfollow();
    server.close(() => process.exit(0));
    // A connection that is kept alive counts as open until it is idle and closed.
    setInterval(() => server.closeIdleConnections(), 50);
    setTimeout(() => process.exit(1), stopMs);
  };
  process.once("SIGTERM", stop);
  process.once("SIGINT", stop);
}

async function respond(world: World, request: IncomingMessage, response: ServerResponse): Promise<void> {
  try {
    send(response, await answer(world, request));
  } catch (error) {
    world.log("broken", { error: (error as Error).stack ?? String(error) });
    send(response, refuse(500, "the server is broken"));
  }
}

function send(response: ServerResponse, { status, headers, body }: Answer): void {
  if (response.destroyed) return;
  response.writeHead(status, { ...headers, "content-length": Buffer.byteLength(body) });
  response.end(body);
}

/** Ends the process with a sentence for whoever started it. */
function fail(error: unknown, code: 1 | 2): never {
  process.stderr.write(`${(error as Error).message}\n${code === 2 ? `\n${usage}` : ""}`);
  process.exit(code);
}

function options(): Options {
  try {
    return parseOptions(process.argv.slice(2));
  } catch (error) {
    return fail(error, 2);
  }
}

// Whoever read our log may be gone; that is no reason to stop serving.
process.stdout.on("error", () => {});
await serve(options()).catch((error: unknown) => fail(error, 1));
