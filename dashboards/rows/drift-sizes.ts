/** The customary bands for the population stability index: sizes of a change, not alarms. */
import { thresholds } from "../panels.ts";

export const psiBands = { some: 0.1, much: 0.25 } as const;

export const psiSteps = thresholds(["green"], ["orange", psiBands.some], ["red", psiBands.much]);
