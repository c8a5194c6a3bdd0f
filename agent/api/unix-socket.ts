/**
 * A unix socket that only its owner can open, from its first moment on: it is made in a folder of its own that nobody else may
 * enter, and moved to its place, where it takes over what an earlier run has left behind.
 */
import { once } from "node:events";
import { chmod, lstat, mkdtemp, rename, rm } from "node:fs/promises";
import { connect, type Server } from "node:net";
import { join } from "node:path";
import type { Close } from "../lifecycle.ts";

/** Rejects where another process serves it, where something else stands in its place, or where it can not be made. */
export async function listenAtSocket(server: Server, path: string): Promise<Close> {
  await mayTakeOver(path);
  const folder = await mkdtemp(`${path}-`);
  try {
    const made = join(folder, "s");
    server.listen(made);
    await once(server, "listening");
    await chmod(made, 0o600);
    await rename(made, path);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
  return () => rm(path, { force: true });
}

async function mayTakeOver(path: string): Promise<void> {
  const there = await lstat(path).catch(() => undefined);
  if (there === undefined) return;
  if (!there.isSocket()) throw new Error(`api.socket: ${path} is there and is no socket; give another path`);
  const socket = connect(path);
  try {
    await once(socket, "connect");
  } catch {
    return; // Nobody answers: it was left behind.
  } finally {
    socket.destroy();
  }
  throw new Error(`api.socket: ${path} is served by another process; give another path`);
}
