/** Who is told of a rollout beside the gateway. */
import * as z from "zod";

export const actuatorsOptions = z.array(z.strictObject({ kind: z.literal("none") })).max(16);
export type ActuatorsOptions = z.output<typeof actuatorsOptions>;
