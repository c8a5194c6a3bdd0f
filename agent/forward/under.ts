/** A server may stand below a path of its own (`https://models.example/ranking`): every path is meant from there. */
export function under(server: URL, path: string): URL {
  return new URL(basePath(server) + path, server);
}

/** The same server at another port, where some have their management; undefined: at its own. */
export function atPort(server: URL, port: number | undefined): URL {
  if (port === undefined) return server;
  const url = new URL(server);
  url.port = String(port);
  return url;
}

/** The server's own path, without a slash at its end; empty where it stands at the root. */
export function basePath(server: URL): string {
  return server.pathname.replace(/\/+$/, "");
}
