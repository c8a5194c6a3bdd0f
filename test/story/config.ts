/** The config of a story: an agent on loopback, on free ports, that looks at no machine; with what else a story says. */
import { parseConfig, type Config } from "../../agent/config/config.ts";

/** Throws where it is no good config. @param more further sections, as YAML. */
export function storyConfig(server: string, model: string, more: string = ""): Config {
  const parsed = parseConfig(`
server: { url: "${server}" }
model: { name: ${model} }
gateway: { host: 127.0.0.1, port: 0 }
api: { port: 0 }
metrics: { host: 127.0.0.1, port: 0 }
collectors: { server: { metrics: "off", pid: 1 }, gpu: { backend: "off" } }
${more}`);
  if (!parsed.ok) throw new Error(JSON.stringify(parsed.problems));
  return parsed.config;
}
