/** A server may stand below a path of its own (`https://models.example/ranking`): every path is meant from there. */
export function under(server: URL, path: string): URL {
  return new URL(server.pathname.replace(/\/+$/, "") + path, server);
}
