/** The command line of the example server. */
import { parseArgs } from "node:util";

export interface Options {
  readonly models: string;
  readonly host: string;
  readonly port: number;
  readonly pilotfish: string | undefined;
  readonly log: "json" | "text";
  readonly queue: number;
  readonly bodyBytes: number;
}

export const usage = `usage: node server.ts --models FOLDER [options]

  --models FOLDER      model/version/model.onnx, and model/model.json (see repository.ts)
  --port N             where to listen; 0 takes a free one        [8080]
  --host HOST          [127.0.0.1]
  --pilotfish URL      follow the signals at ws://127.0.0.1:9081/v1/signals; a token comes from PILOTFISH_TOKEN
  --log json|text      [json]
  --queue N            requests that may wait before 503          [128]
  --body-bytes N       largest body                               [4194304]
`;

/** Throws an Error whose message is for the person at the terminal. */
export function parseOptions(args: readonly string[]): Options {
  const { values } = parseArgs({
    args: [...args],
    options: {
      models: { type: "string" },
      host: { type: "string", default: "127.0.0.1" },
      port: { type: "string", default: "8080" },
      pilotfish: { type: "string" },
      log: { type: "string", default: "json" },
      queue: { type: "string", default: "128" },
      "body-bytes": { type: "string", default: "4194304" },
    },
  });
  if (values.models === undefined) throw new Error("--models is required");
  if (values.log !== "json" && values.log !== "text") throw new Error(`--log must be json or text, got ${values.log}`);
  return {
    models: values.models,
    host: values.host,
    port: whole("--port", values.port, 0, 65_535),
    pilotfish: values.pilotfish,
    log: values.log,
    queue: whole("--queue", values.queue, 1, 100_000),
    bodyBytes: whole("--body-bytes", values["body-bytes"], 1_024, 1_073_741_824),
  };
}

function whole(name: string, text: string, least: number, most: number): number {
  const value = Number(text);
  if (/^\d+$/.test(text) && value >= least && value <= most) return value;
  throw new Error(`${name} must be a whole number from ${least} to ${most}, got ${text}`);
}
