/** The version of this program, from package.json. */
import { readFileSync } from "node:fs";

/** Beside the sources it lies two folders up, beside the bundle one. */
const manifest = import.meta.url.endsWith(".ts") ? "../../package.json" : "../package.json";

export const { version } = JSON.parse(readFileSync(new URL(manifest, import.meta.url), "utf8")) as { readonly version: string };
