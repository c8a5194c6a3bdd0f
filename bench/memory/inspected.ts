/**
 * A process's heaps through its inspector (the Chrome DevTools Protocol): all garbage is collected first, in the main thread and
 * in its workers, so that what is left is held by somebody.
 */
export interface Inspected {
  /** Used by JavaScript objects after a collection: main thread and workers together, in MB. */
  heldMb(): Promise<number>;
  close(): void;
}

interface Reply {
  readonly id?: number;
  readonly method?: string;
  readonly params?: { readonly sessionId?: string; readonly message?: string };
  readonly result?: { readonly usedSize?: number };
}

type Ask = (method: string, params?: object) => Promise<Reply["result"]>;

export async function inspected(port: number): Promise<Inspected> {
  const [target] = (await (await fetch(`http://127.0.0.1:${port}/json/list`)).json()) as readonly { readonly webSocketDebuggerUrl: string }[];
  if (target === undefined) throw new Error("there is nothing to inspect");
  const socket = new WebSocket(target.webSocketDebuggerUrl);
  await new Promise((resolve, reject) => {
    socket.addEventListener("open", resolve);
    socket.addEventListener("error", reject);
  });

  const main = session((text) => socket.send(text));
  const workers = new Map<string, ReturnType<typeof session>>();
  socket.addEventListener("message", ({ data }) => {
    const { method, params = {}, ...reply } = JSON.parse(String(data)) as Reply;
    const { sessionId = "", message = "" } = params;
    if (method === "NodeWorker.attachedToWorker") workers.set(sessionId, session((text) => void main.ask("NodeWorker.sendMessageToWorker", { sessionId, message: text })));
    else if (method === "NodeWorker.detachedFromWorker") workers.delete(sessionId);
    else if (method === "NodeWorker.receivedMessageFromWorker") workers.get(sessionId)?.take(JSON.parse(message) as Reply);
    else main.take(reply);
  });
  await main.ask("NodeWorker.enable", { waitForDebuggerOnStart: false });

  return {
    async heldMb() {
      const used = [];
      for (const { ask } of [main, ...workers.values()]) used.push(await heldBytes(ask));
      return used.reduce((sum, bytes) => sum + bytes, 0) / 1_048_576;
    },
    close: () => socket.close(),
  };
}

async function heldBytes(ask: Ask): Promise<number> {
  await ask("HeapProfiler.collectGarbage");
  return (await ask("Runtime.getHeapUsage"))?.usedSize ?? Number.NaN;
}

function session(send: (text: string) => void): { readonly ask: Ask; readonly take: (reply: Reply) => void } {
  const waiting = new Map<number, (result: Reply["result"]) => void>();
  let ids = 0;
  return {
    ask: (method, params = {}) =>
      new Promise((resolve) => {
        ids += 1;
        waiting.set(ids, resolve);
        send(JSON.stringify({ id: ids, method, params }));
      }),
    take({ id = 0, result }) {
      waiting.get(id)?.(result);
      waiting.delete(id);
    },
  };
}
