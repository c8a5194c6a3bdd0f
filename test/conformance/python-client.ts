/** The Python that the client and its FastAPI example run on: PILOTFISH_PYTHON_CLIENT names an environment, or a cache beside the other modules. */
import { existsSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

const root = fileURLToPath(new URL("../../", import.meta.url));
export const clientFolder = join(root, "examples/clients/python");
export const environment = process.env["PILOTFISH_PYTHON_CLIENT"] ?? join(root, "node_modules/.cache/pilotfish-python-client");
export const python = join(environment, "bin/python");

/** With PILOTFISH_REAL=1 nothing counts as missing, so the tests run and fail where it can not be started. */
export const isSkipped = !existsSync(python) && process.env["PILOTFISH_REAL"] !== "1";
if (isSkipped) console.warn(`\n*** no Python in ${environment}: the Python client is NOT checked. Install: node test/conformance/install.ts ***\n`);
