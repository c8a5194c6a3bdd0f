/** Installs what the Python client and its FastAPI example need: `node test/conformance/install.ts`. Takes some seconds and 30 MB. */
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { installPython } from "../python-environment.ts";
import { clientFolder, environment } from "./python-client.ts";

mkdirSync(environment, { recursive: true });
installPython("the Python client", environment, join(clientFolder, "requirements.txt"));
