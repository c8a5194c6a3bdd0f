/** The same question, asked of a version of the model by the protocol's own path for it. Pure. */
import { withoutQuery } from "./path.ts";
import type { Protocol } from "./protocol.ts";

/** Undefined where the protocol knows no such path, or the question is another verb of the model, whose path only its client knows. */
export function versionedPath(protocol: Protocol, method: string, path: string, version: string): string | undefined {
  const asked = protocol.inferenceOf(method, path);
  const plain = withoutQuery(path);
  if (asked === undefined || plain !== protocol.paths.infer(asked.model, asked.version)) return undefined;
  const versioned = protocol.paths.infer(asked.model, version);
  return protocol.inferenceOf(method, versioned)?.version === version ? versioned + path.slice(plain.length) : undefined;
}
