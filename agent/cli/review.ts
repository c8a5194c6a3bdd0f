/** `pilotfish review`: what waits for a person, and a person's answer to it. */
import * as z from "zod";
import type { Command } from "./command.ts";
import { control, controlHelp, controlOptions, controlUsage, jsonOf, type Control } from "./control.ts";
import { harmless, paintFor } from "./paint.ts";
import { parseOptions, UsageError } from "./usage.ts";
import { exit, type World } from "./world.ts";

const shown = z.object({
  id: z.string(), kind: z.string(), state: z.string(), question: z.string(), evidence: z.string(), at: z.string(),
  deadline: z.string().optional(), default: z.string().optional(),
  ended: z.object({ who: z.string(), at: z.string(), verdict: z.string().optional(), reason: z.string().optional() }).optional(),
});
const listed = z.object({ reviews: z.array(shown), next: z.string().nullable() });
const verdicts = ["do", "do-not", "skip"];

export const review: Command = {
  usage: `pilotfish review [ID (--actual VALUE... | --verdict do|do-not|skip) [--reason TEXT]] [--all] [--limit N] ${controlUsage}`,
  help: `List what waits for a person, or answer it.\n\nWithout an ID: the open reviews, the oldest first. An answer that the model was not sure of takes what came true; a decision takes a verdict.\n\n--actual VALUE    what came true; once for each row of the inference. 1 and true are no texts, "1" in quotation marks is\n--verdict         do or do-not, of a decision; skip, where nobody can know what came true\n--reason TEXT     for the audit log\n--all             those that have ended too\n--limit N         how many at most: 50 by default\n${controlHelp}\n\nExamples:\n  pilotfish review\n  pilotfish review 17 --verdict do --reason "the drift is real"\n  pilotfish review 18 --actual 1`,
  async run(argv, world) {
    const { values, positionals } = parseOptions(
      argv,
      { ...controlOptions, actual: { type: "string", multiple: true }, verdict: { type: "string" }, reason: { type: "string" }, all: { type: "boolean", default: false }, limit: { type: "string", default: "50" } },
      1,
    );
    const [id] = positionals;
    const isAnswer = values.actual !== undefined || values.verdict !== undefined;
    if (id === undefined && isAnswer) throw new UsageError("name the review that this answers; `pilotfish review` lists them");
    if (values.actual !== undefined && values.verdict !== undefined) throw new UsageError("give either --actual or --verdict: a review is about an answer or about a decision");
    if (values.verdict !== undefined && !verdicts.includes(values.verdict)) throw new UsageError(`--verdict: expected ${verdicts.join(", ")}, got "${values.verdict}"`);
    if (!/^[1-9]\d{0,5}$/.test(values.limit)) throw new UsageError(`--limit: expected a number, got "${values.limit}"`);
    const api = await control(values, world);
    if (id === undefined) return await list(api, values.all, Number(values.limit), values.json, world);
    const path = `/v1/reviews/${encodeURIComponent(id)}`;
    const said = values.verdict === undefined ? { actuals: values.actual?.map(valueOf) } : { verdict: values.verdict };
    const answer = isAnswer ? await api.get("POST", path, { ...said, ...(values.reason !== undefined && { reason: values.reason }) }) : await api.get("GET", path);
    world.out(values.json ? `${JSON.stringify(answer, null, 2)}\n` : `${lines([shown.parse(answer)], world)}\n`);
    return exit.done;
  },
};

async function list(api: Control, all: boolean, limit: number, json: boolean, world: World): Promise<number> {
  const found: z.infer<typeof shown>[] = [];
  let after: string | null = null;
  do {
    const page: z.infer<typeof listed> = listed.parse(await api.get("GET", `/v1/reviews?state=${all ? "all" : "open"}&limit=${Math.min(200, limit - found.length)}${after === null ? "" : `&after=${after}`}`));
    found.push(...page.reviews);
    after = page.next;
  } while (after !== null && found.length < limit);
  if (json) world.out(`${JSON.stringify({ reviews: found, more: after !== null }, null, 2)}\n`);
  else world.out(found.length === 0 ? "nothing waits for a person\n" : `${lines(found, world)}\n${after === null ? "" : "there are more; --limit shows them\n"}`);
  return exit.done;
}

function lines(reviews: readonly z.infer<typeof shown>[], world: World): string {
  const paint = paintFor(world);
  return reviews
    .map(({ id, state, question, evidence, at, deadline, default: fallback, ended }) => {
      const end = deadline === undefined || state !== "open" ? "" : `; without an answer by ${deadline}: ${fallback}`;
      const over = ended === undefined ? "" : `\n    ${state} by ${ended.who} at ${ended.at}${ended.verdict === undefined ? "" : `: ${ended.verdict}`}${ended.reason === undefined ? "" : ` (${ended.reason})`}`;
      return `${paint("bold", id.padStart(3))} ${harmless(question)}\n    ${harmless(evidence)}\n    ${paint("dim", `since ${at}${end}`)}${over === "" ? "" : `\n    ${harmless(over.trim())}`}`;
    })
    .join("\n");
}

/** As it stands where it is no JSON. */
function valueOf(text: string): unknown {
  const value = jsonOf(text);
  return typeof value === "number" || typeof value === "boolean" || typeof value === "string" ? value : text;
}
