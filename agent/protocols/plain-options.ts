/**
 * What a config may say about the protocol `plain`. Apart from the protocol, because the threads that decode bodies must not
 * load the schema library (13 MB resident).
 */
import * as z from "zod";
import { parsePointer, type Pointer } from "./json-pointer.ts";

const path = z.string().regex(/^\/[\x21\x22\x24-\x3e\x40-\x7e]*$/, 'expected a path, without query, such as "/predict"');
const pointer = z.string().transform((text, context): Pointer => {
  const parsed = parsePointer(text);
  if (parsed !== undefined) return parsed;
  context.addIssue({ code: "custom", message: `expected a JSON pointer, such as "/rows/0" or "" for the whole body, got ${JSON.stringify(text)}` });
  return z.NEVER;
});

export const plainOptions = z.strictObject({
  /** The model's name in series and signals; the server need not know it. */
  model: z.string().min(1).max(200).default("model"),
  /** Where inferences are asked, by POST. */
  path: path.default("/predict"),
  live: path.default("/health"),
  ready: path.default("/health"),
  request: z
    .strictObject({
      /** Where the rows are: a list of them, or a single one. */
      rows: pointer.prefault(""),
      /** By a feature's name where it stands in a row. None: as the rows themselves have them. */
      features: z.record(z.string().min(1), pointer).optional(),
    })
    .prefault({}),
  response: z
    .strictObject({
      rows: pointer.prefault(""),
      /** Where in a row of the answer these stand: the columns `prediction` and `score`. None: as the rows themselves have them. */
      prediction: pointer.optional(),
      score: pointer.optional(),
      /** Where in the whole answer the model's version stands, if it is told. */
      version: pointer.optional(),
    })
    .prefault({}),
});
export type PlainOptions = z.output<typeof plainOptions>;
