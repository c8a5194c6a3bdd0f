/**
 * Installs the Python model servers that real-servers.test.ts starts, and the tools of other tests: `node test/e2e/real-servers/install.ts`. Each gets a
 * virtual environment of its own, with exactly the versions of its requirements file, wheels only. What is there already is
 * left alone, so a cache between runs saves everything but a look. Needs python3 (3.11 or newer) with venv; takes a minute
 * or two and 1.2 GB.
 */
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { installPython } from "../../python-environment.ts";
import { environment, files, servers, serversFolder, tools } from "./servers.ts";

mkdirSync(serversFolder, { recursive: true });
for (const server of [...servers, ...tools]) installPython(server, environment(server), join(files, `${server}.requirements.txt`));
