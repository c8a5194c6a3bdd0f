/**
 * The references that were uploaded, as files in one folder, and which of them is in force: `shelf.json` beside them says so, so that
 * the choice outlives a restart. The last of its `chosen` is in force; where there is none, what the config names.
 *
 * A reference is read and checked by the analysis thread, which parses megabytes without the data path noticing; here bytes are
 * only put into files and files given names. One change at a time.
 */
import { mkdir, readFile, rename, rm, stat, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import * as z from "zod";
import type { ReferenceFacts } from "./analysis-messages.ts";
import type { KeptReference, ReferencesOptions, ShelfDocument, ShelfOutcome } from "./api/references.ts";
import type { Clock } from "./clock.ts";
import type { Log } from "./log.ts";

export interface ShelfDeps {
  readonly clock: Clock;
  readonly log: Log;
  /** What `model.reference` names, and the model's name. */
  readonly model: { readonly reference?: string | undefined; readonly name?: string | undefined };
  readonly storePath: string | undefined;
}

/** What can only be had once the analysis runs. */
export interface ShelfUse {
  readonly read: (path: string, model: string | undefined) => Promise<ReferenceFacts | undefined>;
  /** Puts it in force; undefined: one that is learnt from traffic. */
  readonly use: (path: string | undefined) => Promise<{ readonly ok: true } | { readonly ok: false; readonly message: string } | undefined>;
}

export interface Shelf {
  /** The path of what is in force; undefined: one is learnt. */
  path(): string | undefined;
  serve(use: ShelfUse): {
    readonly list: () => ShelfDocument;
    readonly upload: (bytes: Uint8Array) => Promise<ShelfOutcome>;
    readonly activate: (digest: string) => Promise<ShelfOutcome>;
    readonly rollBack: () => Promise<ShelfOutcome>;
    readonly remove: (digest: string) => Promise<ShelfOutcome>;
  };
}

const digest = z.string().regex(/^[0-9a-f]{64}$/);
const kept = z.object({ digest, file: z.string().regex(/^[0-9a-f]{64}\.json(\.gz)?$/), model: z.string(), rows: z.int(), features: z.int(), bytes: z.int(), atWallMs: z.number() });
const contents = z.object({ references: z.array(kept), chosen: z.array(digest) });
type Kept = Readonly<z.infer<typeof kept>>;
type Contents = { readonly references: readonly Kept[]; readonly chosen: readonly string[] };

/** How far back one can roll. */
const chosenMax = 32;

/** Never rejects: a shelf that can not be read is empty, and is said. */
export async function openShelf({ folder: given, max }: Omit<ReferencesOptions, "sizeMax">, { clock, log, model, storePath }: ShelfDeps): Promise<Shelf> {
  const folder = given ?? (storePath === undefined ? undefined : join(dirname(storePath), "references"));
  let now: Contents = { references: [], chosen: [] };
  let uploads = 0;
  let turn: Promise<unknown> = Promise.resolve();

  if (folder !== undefined) {
    try {
      now = contents.parse(JSON.parse(await readFile(join(folder, "shelf.json"), "utf8")));
      const there = await Promise.all(now.references.map(({ file }) => isFile(join(folder, file))));
      const references = now.references.filter((_, i) => there[i]);
      const lost = now.chosen.filter((one) => !references.some((reference) => reference.digest === one));
      if (lost.length > 0) log.warn({ lost }, "references that were chosen are no more");
      now = { references, chosen: now.chosen.filter((one) => !lost.includes(one)) };
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== "ENOENT") log.warn({ folder, error: (error as Error).message }, "the uploaded references can not be read; what the config names is in force");
    }
  }
  if (now.chosen.length > 0) log.info({ digest: now.chosen.at(-1), configured: model.reference }, "a reference that was uploaded is in force, not what the config names");

  const pathOf = (chosen: readonly string[]): string | undefined => {
    const active = now.references.find((one) => one.digest === chosen.at(-1));
    return active === undefined || folder === undefined ? model.reference : join(folder, active.file);
  };
  const shown = ({ digest: of, model: name, rows, features, bytes, atWallMs }: Kept): KeptReference => ({
    digest: of, model: name, rows, features, bytes, at: new Date(atWallMs).toISOString(), active: of === now.chosen.at(-1),
  });

  async function save(next: Contents): Promise<void> {
    const file = join(folder as string, "shelf.json");
    await writeFile(`${file}.part`, JSON.stringify(next));
    await rename(`${file}.part`, file);
    now = next;
  }

  /** One after the other; what the file system refuses is an outcome. */
  function inTurn(change: () => Promise<ShelfOutcome>): Promise<ShelfOutcome> {
    const done = turn.then(async (): Promise<ShelfOutcome> => {
      if (folder === undefined) return refused("there is no place to keep references: set references.folder or store.path");
      try {
        return await change();
      } catch (error) {
        log.error({ error, folder }, "the references could not be changed");
        return refused("the folder of the references can not be written; the log says more");
      }
    });
    turn = done;
    return done;
  }

  return {
    path: () => pathOf(now.chosen),
    serve({ read, use }) {
      async function choose(chosen: readonly string[], digestOf: string | undefined): Promise<ShelfOutcome> {
        const used = await use(pathOf(chosen));
        if (used === undefined) return down;
        if (!used.ok) return { result: "invalid", message: used.message };
        await save({ ...now, chosen: chosen.slice(-chosenMax) });
        const reference = now.references.find((one) => one.digest === digestOf);
        return { result: "done", reference: reference && shown(reference) };
      }

      return {
        list: () => ({ active: now.chosen.at(-1) ?? null, configured: model.reference ?? null, references: now.references.map(shown) }),
        upload: (bytes) =>
          inTurn(async () => {
            const home = folder as string;
            await mkdir(home, { recursive: true });
            const packed = bytes[0] === 0x1f && bytes[1] === 0x8b;
            const end = packed ? "json.gz" : "json";
            const part = join(home, `upload-${(uploads += 1)}.${end}`);
            try {
              await writeFile(part, bytes);
              const facts = await read(part, model.name);
              if (facts === undefined) return down;
              if (!facts.ok) return { result: "invalid", message: facts.message.replaceAll(part, "that was sent") };
              const before = now.references.find((one) => one.digest === facts.digest);
              if (before !== undefined) return { result: "there", reference: shown(before) };
              if (now.references.length >= max) return refused(`${max} references are kept already; remove one first`);
              const { ok: _, ...known } = facts;
              const one: Kept = { ...known, file: `${facts.digest}.${end}`, bytes: bytes.byteLength, atWallMs: clock.wallMs() };
              await rename(part, join(home, one.file));
              await save({ ...now, references: [...now.references, one] });
              return { result: "done", reference: shown(one) };
            } finally {
              await rm(part, { force: true });
            }
          }),
        activate: (of) =>
          inTurn(async () => {
            const reference = now.references.find((one) => one.digest === of);
            if (reference === undefined) return missing;
            return now.chosen.at(-1) === of ? { result: "there", reference: shown(reference) } : choose([...now.chosen, of], of);
          }),
        rollBack: () => inTurn(async () => (now.chosen.length === 0 ? refused("there is nothing to go back to: what the config names is in force") : choose(now.chosen.slice(0, -1), now.chosen.at(-2)))),
        remove: (of) =>
          inTurn(async () => {
            const reference = now.references.find((one) => one.digest === of);
            if (reference === undefined) return missing;
            if (now.chosen.at(-1) === of) return refused("it is in force; put another one in force first");
            await save({ references: now.references.filter((one) => one !== reference), chosen: now.chosen.filter((one) => one !== of) });
            await rm(join(folder as string, reference.file), { force: true });
            return { result: "done", reference: { ...shown(reference), active: false } };
          }),
      };
    },
  };
}

const missing: ShelfOutcome = { result: "missing", message: "there is no reference with this digest" };
const down: ShelfOutcome = { result: "down", message: "the analysis does not answer now; try again" };

function refused(message: string): ShelfOutcome {
  return { result: "refused", message };
}

async function isFile(path: string): Promise<boolean> {
  return stat(path).then((found) => found.isFile(), () => false);
}
