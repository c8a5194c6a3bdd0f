/** The options that name a featuriser, a model that makes features of whole rows. */
import { resolve } from "node:path";
import type { Reference } from "../../detectors/reference/reference.ts";
import type { Featuriser, FeaturiserOptions } from "../featuriser/featuriser.ts";
import { UsageError } from "./usage.ts";
import type { World } from "./world.ts";

export const featuriserOptions = {
  featuriser: { type: "string" },
  "featuriser-kind": { type: "string" },
  "featuriser-outputs": { type: "string" },
  "featuriser-features": { type: "string" },
} as const;

export const featuriserHelp =
  "--featuriser FILE an ONNX model that makes features of whole rows; --featuriser-kind autoencoder (or embedding, with\n                  --featuriser-outputs N projections); --featuriser-features COL,... the columns of its single input;\n                  DATA should not be what it was trained on, which it knows better than what will come";

const kinds = ["autoencoder", "embedding"] as const;

type Values = Readonly<Partial<Record<keyof typeof featuriserOptions, string | undefined>>>;

/** undefined where none is named. */
export function parseFeaturiser(values: Values, { cwd }: Pick<World, "cwd">): FeaturiserOptions | undefined {
  const { featuriser: model, "featuriser-kind": kindSaid = "autoencoder", "featuriser-outputs": outputsSaid, "featuriser-features": features } = values;
  const stray = Object.keys(featuriserOptions).find((option) => model === undefined && values[option as keyof Values] !== undefined);
  if (stray !== undefined) throw new UsageError(`--${stray} says more of a featuriser; name its model with --featuriser FILE`);
  if (model === undefined) return undefined;
  const kind = kinds.find((one) => one === kindSaid);
  if (kind === undefined) throw new UsageError(`--featuriser-kind: expected ${kinds.join(" or ")}, got "${kindSaid}"`);
  const outputs = outputsSaid === undefined ? undefined : Number(outputsSaid);
  if (outputs !== undefined && !(Number.isInteger(outputs) && outputs >= 1 && outputs <= 100)) throw new UsageError(`--featuriser-outputs: expected a number from 1 to 100, got "${outputsSaid}"`);
  return { model: resolve(cwd, model), kind, outputs, features: features?.split(",").filter((name) => name !== "") };
}

/** Throws an InputError where it can not be used. */
export async function openNamed(options: FeaturiserOptions): Promise<Featuriser> {
  const { openFeaturiser } = await import("../featuriser/featuriser.ts");
  return refusingErrors(openFeaturiser(options));
}

/** The featuriser that a reference was made with. Throws an InputError where this is not it. */
export async function openKnown(reference: Reference, model: string, { cwd }: Pick<World, "cwd">): Promise<Featuriser> {
  const [{ modelDigest }, { mismatch }, { InputError }] = await Promise.all([import("../featuriser/featuriser.ts"), import("../featuriser/origin.ts"), import("../offline/input-error.ts")]);
  const path = resolve(cwd, model);
  const { kind, outputs, seed, columns } = reference.featuriser ?? { kind: "autoencoder", columns: [] };
  const why = mismatch(reference, { kind, outputs, seed, columns, digest: await refusingErrors(modelDigest(path)) });
  if (why !== undefined) throw new InputError(`--featuriser ${model}: ${why}`);
  return openNamed({ model: path, kind, outputs, seed, features: columns });
}

async function refusingErrors<Opened>(opening: Promise<Opened>): Promise<Opened> {
  const { InputError } = await import("../offline/input-error.ts");
  return opening.catch((error: unknown) => {
    throw new InputError(error instanceof Error ? error.message : String(error));
  });
}
