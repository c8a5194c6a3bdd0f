/**
 * What the API answers, as far as the console looks at it.
 *
 * @typedef {"unknown" | "healthy" | "suspect" | "degraded" | "failed" | "probation" | "draining" | "isolated"} Status
 *
 * @typedef {object} Price
 * @property {"unproven" | "qualified" | "ineligible"} standing
 * @property {string} message
 * @property {number} copies
 * @property {number} compared
 * @property {number | null} agreement
 * @property {number | null} accuracy
 * @property {number | null} primaryAccuracy
 * @property {number | null} coverage
 * @property {{ median: number | null, p95: number | null }} seconds
 *
 * @typedef {object} Override
 * @property {string} id
 * @property {"pin" | "hold" | "drain"} action
 * @property {string} rung
 * @property {string} owner
 * @property {string} reason
 * @property {string} at
 * @property {string} until
 *
 * @typedef {{ name: string, kind: string, price: Price | null }} Rung
 * @typedef {Record<string, number>} Figures
 * @typedef {Record<string, { lower?: number, upper?: number }>} Bounds
 *
 * @typedef {object} State
 * @property {string} version
 * @property {string} instance
 * @property {Status} status
 * @property {{ name: string, version: string | null }} [model]
 * @property {{ url: string }} [server]
 * @property {string} [rung]
 * @property {string} [reason]
 * @property {string} [since]
 * @property {{ detector: string, code: string, evidence: string }} [cause]
 * @property {Override | null} [override]
 * @property {Rung[]} [ladder]
 * @property {Record<string, { verdict: string, reason?: string, detail?: string }>} [probes]
 * @property {Record<string, { status: string, detail?: string }>} [collectors]
 * @property {{ stream: string, detector: string, message: string, at: string }[]} [drift]
 * @property {Figures} [performance]
 * @property {Figures} [estimated]
 * @property {Figures} [corrected]
 * @property {{ realised: Bounds, estimated: Bounds, corrected: Bounds }} [bounds]
 * @property {number | null} [actualsLagSeconds]
 * @property {Figures} [actuals]
 * @property {string[]} [notes]
 *
 * @typedef {{ name: string, low?: number, high?: number, reference: number, now: number }} Cell
 * @typedef {{ reference_rows: number, window_rows: number, cells: Cell[] }} Histogram
 *
 * @typedef {object} Feature
 * @property {string} name
 * @property {"numeric" | "categorical"} kind
 * @property {number} evidence
 * @property {number} share
 * @property {number | null} psi
 * @property {number | null} jensen_shannon
 * @property {Record<string, number>} violations
 * @property {string | null} cause
 * @property {string} change
 * @property {Histogram} [histogram]
 *
 * @typedef {object} Features
 * @property {string} model
 * @property {"watching" | "learning" | "off"} status
 * @property {number | null} evidence
 * @property {number | null} threshold
 * @property {number} window
 * @property {Feature[]} features
 *
 * @typedef {{ name: string, labels: Record<string, string>, unit: string, values: (number | null)[] }} Series
 * @typedef {{ at: number, what: string, text: string }} Happening
 * @typedef {{ times: number[], series: Series[], events: Happening[] }} Recent
 *
 * @typedef {object} Review
 * @property {string} id
 * @property {string} kind
 * @property {string} state
 * @property {string} question
 * @property {string} evidence
 * @property {string} at
 * @property {string} [decision]
 * @property {string} [inference_id]
 * @property {number[]} [rows]
 * @property {string} [deadline]
 * @property {"do" | "do-not"} [default]
 *
 * @typedef {object} Comparison
 * @property {string} name
 * @property {"harm" | "not-worse" | "continue"} verdict
 * @property {number} log10_evidence
 * @property {number} threshold
 * @property {number} [effect]
 * @property {number} [low]
 * @property {number} [high]
 * @property {number} minimum_harm
 * @property {number} margin
 * @property {"ratio" | "relative" | "score" | "rank"} unit
 * @property {number} events
 * @property {number} effective
 *
 * @typedef {object} Rollout
 * @property {string} id
 * @property {string} name
 * @property {string} [primary_version]
 * @property {"canary" | "shadow" | "shadow-then-canary"} mode
 * @property {"trying" | "asking" | "promoted" | "aborted"} phase
 * @property {string} reason
 * @property {number} step
 * @property {{ weight: number, hold_seconds: number, time_box_seconds: number }[]} steps
 * @property {number} weight
 * @property {number} shadow
 * @property {string} started_by
 * @property {string} started_at
 * @property {string} since
 * @property {string} [hold_until]
 * @property {string} [time_box_until]
 * @property {{ verdict: "harm" | "not-worse" | "continue" | "inconclusive", comparisons: Comparison[], requests: { candidate: number, primary: number }, pairs: number, actuals: number, message: string, at: string }} [reading]
 * @property {{ actuator: string, action: string, result: "done" | "unconfirmed" | "failed" | "skipped" | "under-way", attempts: number, detail: string, at: string }[]} actuations
 * @property {string} message
 *
 * @typedef {{ version?: string, digest?: string, reference?: string, since: string }} Version
 * @typedef {{ current: Version | null, last_known_good: (Version & { held_until: string }) | null, good_since?: string, dwell_seconds: number, before: Version[] }} Versions
 *
 * @typedef {{ id: number, at: string, kind: string, detail: unknown }} Event
 */
export {};
