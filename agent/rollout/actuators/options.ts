/** The options of the actuators, by their kind. */
import * as z from "zod";
import { duration } from "../../units.ts";
import { actions, type Action } from "./actuation.ts";

const actuatorName = z.string().regex(/^[A-Za-z0-9][A-Za-z0-9_.-]{0,62}$/, "expected 1 to 63 letters, digits, _ . or -, the first a letter or digit");

interface Defaults {
  readonly kind: string;
  readonly actions: readonly Action[];
  readonly timeoutMs: number;
  readonly retries: number;
  readonly withinMs: number;
}

/** What all actuators have in common but the gateway, which has nothing to choose. */
const common = ({ kind, actions: heeded, timeoutMs, retries, withinMs }: Defaults) => ({
  /** In series and reports. */
  name: actuatorName.default(kind),
  /** What it is told of. */
  actions: z.array(z.enum(actions)).min(1).default([...heeded]),
  /** For one attempt. */
  timeout: duration().default(timeoutMs),
  /** Attempts after the first. */
  retries: z.int().min(0).max(100).default(retries),
  /** The pause before the second attempt; twice as long before each further one, and each shortened by up to half by chance. */
  pause: duration().default(500),
  pauseMax: duration().default(15_000),
  /** For all attempts together. */
  within: duration().default(withinMs),
  /** The actuators after it are told when this one is through with it; false: at once. */
  wait: z.boolean().default(true),
});

const credentials = "expected no user or password in the URL: name a file or a variable with the token instead";
const url = (example: string) =>
  z.url({ protocol: /^https?$/, error: `expected a URL such as "${example}"` }).refine((text) => {
    const { username, password } = URL.parse(text) ?? { username: "", password: "" };
    return username === "" && password === "";
  }, credentials);

/** Where a secret is; never the secret itself. */
const secret = z.strictObject({
  /** Read anew at each attempt. */
  file: z.string().min(1).optional(),
  /** Of the environment. */
  variable: z.string().regex(/^[A-Za-z_][A-Za-z0-9_]*$/, "expected the name of an environment variable").optional(),
  /** The header that carries it; in `authorization` it stands behind `Bearer`. */
  header: z.string().regex(/^[a-z0-9-]{1,64}$/, "expected a header's name in lower case").default("authorization"),
});

const token = secret.refine(({ file, variable }) => (file === undefined) !== (variable === undefined), "expected either a file or a variable").optional();

const managed = ["connection", "content-length", "content-type", "expect", "host", "idempotency-key", "te", "trailer", "transfer-encoding", "upgrade"];

const push = {
  url: url("https://hooks.example/rollouts"),
  /** Sent besides. What is secret belongs in `token`. */
  headers: z
    .record(z.string().regex(/^[a-z0-9-]{1,64}$/, "expected a header's name in lower case"), z.string().regex(/^[\x20-\x7e]{0,1024}$/, "expected at most 1,024 visible ASCII characters"))
    .refine((headers) => managed.every((name) => !(name in headers)) && !Object.keys(headers).some((name) => name.startsWith("ce-")), `${managed.join(", ")} and ce-... are set by Pilotfish; choose other names`)
    .default({}),
  token,
};

const everything = { actions, timeoutMs: 5_000, retries: 5, withinMs: 60_000 } as const;

/** Listed only to be seen: it is first wherever it stands, since it has happened before anybody is told. */
export const gatewayOptions = z.strictObject({ kind: z.literal("gateway") });

export const directiveOptions = z.strictObject({
  kind: z.literal("directive"),
  ...common({ kind: "directive", actions, timeoutMs: 5_000, retries: 0, withinMs: 5_000 }),
});
export type DirectiveOptions = z.output<typeof directiveOptions>;

export const repositoryOptions = z.strictObject({
  kind: z.literal("repository"),
  ...common({ kind: "repository", actions: ["start", "promote", "roll-back"], timeoutMs: 120_000, retries: 3, withinMs: 300_000 }),
  /** How the server is told which version: `auto` asks it who it is. */
  versions: z.enum(["auto", "parameters", "config", "workers", "none"]).default("auto"),
  /** Have a candidate that was rolled back taken out of memory. */
  unload: z.boolean().default(true),
  /** For servers that ask for one before they load anything, as TorchServe does. */
  token,
});
export type RepositoryOptions = z.output<typeof repositoryOptions>;

export const webhookOptions = z.strictObject({
  kind: z.literal("webhook"),
  ...common({ kind: "webhook", ...everything }),
  ...push,
  method: z.enum(["POST", "PUT"]).default("POST"),
});
export type WebhookOptions = z.output<typeof webhookOptions>;

export const cloudEventOptions = z.strictObject({
  kind: z.literal("cloudevent"),
  ...common({ kind: "cloudevent", ...everything }),
  ...push,
  /** `structured`: all in the body; `binary`: the attributes as headers. */
  mode: z.enum(["structured", "binary"]).default("structured"),
  /** The attribute `source`. None: `/pilotfish/` with the pod's name. */
  source: z.string().regex(/^[\x21-\x7e]{1,256}$/, "expected a URI or a path of visible ASCII characters").optional(),
});
export type CloudEventOptions = z.output<typeof cloudEventOptions>;

const kubernetesName = z.string().regex(/^[a-z0-9]([a-z0-9.-]{0,251}[a-z0-9])?$/, "expected a name as Kubernetes takes it: lower-case letters, digits, - and .");

export const kserveOptions = z.strictObject({
  kind: z.literal("kserve"),
  ...common({ kind: "kserve", ...everything, timeoutMs: 15_000, withinMs: 120_000 }),
  inferenceService: kubernetesName,
  /** None: the pod's own. */
  namespace: kubernetesName.optional(),
  component: z.enum(["predictor", "transformer", "explainer"]).default("predictor"),
  /** Of the Kubernetes API. None: that of the cluster, with the pod's service account. */
  url: url("http://127.0.0.1:8001").optional(),
  tokenFile: z.string().min(1).optional(),
  caFile: z.string().min(1).optional(),
});
export type KserveOptions = z.output<typeof kserveOptions>;

export const actuatorOptions = z.discriminatedUnion("kind", [gatewayOptions, directiveOptions, repositoryOptions, webhookOptions, cloudEventOptions, kserveOptions]);
export type ActuatorOptions = z.output<typeof actuatorOptions>;
export type ActuatorKind = ActuatorOptions["kind"];

/** Told in this order, after the gateway. */
export const actuatorsOptions = z
  .array(actuatorOptions)
  .max(16)
  .superRefine((list, context) => {
    const names = list.map((one) => nameOf(one));
    for (const [index, name] of names.entries()) {
      if (names.indexOf(name) === index && (name !== "gateway" || list[index]?.kind === "gateway")) continue;
      context.addIssue({ code: "custom", path: [index, "name"], message: `there is an actuator named "${name}" already; give this one another name` });
    }
  })
  .prefault([{ kind: "directive" }]);

/** What it is called in series and reports. */
export function nameOf(options: ActuatorOptions): string {
  return options.kind === "gateway" ? "gateway" : options.name;
}
