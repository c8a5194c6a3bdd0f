/** References: what normal looks like, uploaded, listed, put in force and taken back. The shelf that keeps them is not known here. */
import * as z from "zod";
import { bytes } from "../units.ts";
import { etagOf, matches } from "./exchange.ts";
import { route, type Answer, type Route } from "./route.ts";

export const referencesOptions = z.strictObject({
  /** Where uploaded references are kept; `references` beside `store.path` where it is not said. */
  folder: z.string().min(1).optional(),
  /** So many are kept. */
  max: z.int().min(1).max(1_000).default(16),
  /** Longest upload, packed or not. */
  sizeMax: bytes().prefault("16MiB"),
});
export type ReferencesOptions = z.infer<typeof referencesOptions>;

const digest = z.string().regex(/^[0-9a-f]{64}$/, "expected a digest, 64 hexadecimal digits");

const kept = z.object({
  digest,
  model: z.string(),
  rows: z.int(),
  features: z.int(),
  bytes: z.int(),
  at: z.iso.datetime().describe("When it was uploaded."),
  active: z.boolean(),
});
export type KeptReference = z.infer<typeof kept>;

const shelfSchema = z.object({
  active: digest.nullable().describe("null: the one that the config names, or one that is learnt from traffic."),
  configured: z.string().nullable().describe("The file that the config names."),
  references: z.array(kept),
});
export type ShelfDocument = z.infer<typeof shelfSchema>;

/** What became of a change: `missing` there is no such; `refused` it can not be done; `down` the analysis does not answer now. */
export type ShelfOutcome =
  | { readonly result: "done" | "there"; readonly reference: KeptReference | undefined }
  | { readonly result: "missing" | "refused" | "invalid" | "down"; readonly message: string };

export interface ReferencesDeps {
  readonly referencesSizeMax: number;
  readonly references: {
    readonly list: () => ShelfDocument;
    /** JSON, or gzipped JSON. */
    readonly upload: (bytes: Uint8Array) => Promise<ShelfOutcome>;
    readonly activate: (digest: string) => Promise<ShelfOutcome>;
    readonly rollBack: () => Promise<ShelfOutcome>;
    readonly remove: (digest: string) => Promise<ShelfOutcome>;
  };
}

const statuses = { missing: 404, refused: 409, invalid: 422, down: 503 } as const;
const byDigest = z.object({ digest });
const inForce = { 200: { description: "What is in force now.", schema: shelfSchema } };

export function referencesRoutes({ references, referencesSizeMax }: ReferencesDeps): readonly Route[] {
  /** If-Match holds against the ETag of the list, so that two people do not undo each other's choice. */
  async function changed(ifMatch: string | undefined, change: () => Promise<ShelfOutcome>): Promise<Answer> {
    if (ifMatch !== undefined && !matches(ifMatch, etagOf(JSON.stringify(references.list())))) {
      return { status: 412, problem: "the references have changed since they were read; read them again" };
    }
    const outcome = await change();
    if ("message" in outcome) return refused(outcome);
    const body = references.list();
    return { status: 200, body, audit: { subject: outcome.reference?.digest ?? body.active ?? "as configured" } };
  }

  function refused({ result, message }: Extract<ShelfOutcome, { readonly message: string }>): Answer {
    return { status: statuses[result], problem: message };
  }

  return [
    route({
      method: "GET",
      path: "/v1/references",
      name: "references.list",
      role: "read",
      summary: "The references that were uploaded, and which one is in force.",
      etag: true,
      answers: { 200: { description: "All of them.", schema: shelfSchema } },
      handle: () => ({ status: 200, body: references.list() }),
    }),
    route({
      method: "POST",
      path: "/v1/references",
      name: "references.upload",
      role: "admin",
      summary: "Keeps a reference, as `pilotfish reference` makes it; it is checked, and not yet put in force.",
      takes: ["application/json", "application/gzip"],
      body: z.instanceof(Buffer),
      bodyMax: referencesSizeMax,
      answers: { 200: { description: "It was there already.", schema: kept }, 201: { description: "It is kept.", schema: kept } },
      async handle({ body }): Promise<Answer> {
        const outcome = await references.upload(body);
        if ("message" in outcome) return refused(outcome);
        const { result, reference } = outcome;
        return { status: result === "there" ? 200 : 201, body: reference, audit: { ...(reference && { subject: reference.digest }) } };
      },
    }),
    route({
      method: "POST",
      path: "/v1/references/{digest}/activate",
      name: "references.activate",
      role: "admin",
      summary: "Judges by this reference from now on, and after a restart; If-Match holds against the ETag of the list.",
      params: byDigest,
      answers: inForce,
      handle: ({ params, headers }) => changed(headers["if-match"], () => references.activate(params["digest"] as string)),
    }),
    route({
      method: "POST",
      path: "/v1/references/active/rollback",
      name: "references.rollback",
      role: "admin",
      summary: "Puts the reference back in force that was so before; at the end the one that the config names.",
      answers: inForce,
      handle: ({ headers }) => changed(headers["if-match"], references.rollBack),
    }),
    route({
      method: "DELETE",
      path: "/v1/references/{digest}",
      name: "references.remove",
      role: "admin",
      summary: "Forgets a reference that is not in force.",
      params: byDigest,
      answers: inForce,
      handle: ({ params, headers }) => changed(headers["if-match"], () => references.remove(params["digest"] as string)),
    }),
  ];
}
