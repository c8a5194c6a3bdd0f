/** What only the world shows of training anew: files of a key and of tokens, and whether there is a place for windows. */
import { readToken } from "../api/tokens.ts";
import type { RetrainOptions } from "../rollout/retrain/options.ts";
import type { Config } from "./config.ts";
import type { Problem } from "./problem.ts";

export function resolvedRetrain(retrain: RetrainOptions, from: <T>(path: T) => T): RetrainOptions {
  const { folder, redact, targets } = retrain;
  return {
    ...retrain,
    ...(folder !== undefined && { folder: from(folder) }),
    redact: redact.keyFile === undefined ? redact : { ...redact, keyFile: from(redact.keyFile) },
    targets: targets.map((target) => (target.tokenFile === undefined ? target : { ...target, tokenFile: from(target.tokenFile) })),
  };
}

export async function retrainMistakes({ retrain, store }: Partial<Config>): Promise<readonly Problem[]> {
  if (retrain?.enabled !== true) return [];
  const files = [{ path: "retrain.redact.keyFile", file: retrain.redact.keyFile }, ...retrain.targets.map(({ tokenFile }, i) => ({ path: `retrain.targets.${i}.tokenFile`, file: tokenFile }))];
  const unread = await Promise.all(files.map(({ path, file }) => readToken(path, file).then(() => [], (error: unknown): Problem[] => [{ path, message: (error as Error).message.slice(path.length + 2) }])));
  const nowhere = retrain.folder === undefined && store !== undefined && store.path === undefined;
  return [...unread.flat(), ...(nowhere ? [{ path: "retrain.folder", message: "there is no place for windows: set retrain.folder or store.path" }] : [])];
}
