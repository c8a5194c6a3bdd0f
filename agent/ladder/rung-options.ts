/** The options of a rung, by its kind. */
import * as z from "zod";
import { defaultOptions } from "./default-rung.ts";
import { ensembleOptions } from "./ensemble-rung.ts";
import { lastGoodOptions } from "./last-good-rung.ts";
import { onnxOptions } from "./onnx-rung.ts";
import { replicaOptions } from "./replica-rung.ts";
import { rulesOptions } from "./rules-rung.ts";
import { versionOptions } from "./version-rung.ts";

export const rungOptions = z.discriminatedUnion("kind", [replicaOptions, versionOptions, onnxOptions, ensembleOptions, rulesOptions, lastGoodOptions, defaultOptions]);
export type RungOptions = z.output<typeof rungOptions>;
export type RungKind = RungOptions["kind"];
