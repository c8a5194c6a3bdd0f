/** Streams that are judged by true answers, or by what stands in for them; all others are of what comes in. */
export const judgedByTruth = ["mistakes", "error-rate", "calibration", "estimated-performance"] as const;
