/** The gateway's options, each with its default. */
import * as z from "zod";
import { bytes, duration } from "../units.ts";
import { concurrencyOptions } from "./concurrency-options.ts";
import { quarantineOptions } from "./quarantine-options.ts";

const share = () => z.number().min(0).max(1);
const count = () => z.int().min(1);

export const gatewayOptions = z.strictObject({
  host: z.string().default("0.0.0.0"),
  port: z.int().min(0).max(65_535).default(9080),
  /** How long a request waits for its answer, from its last byte, unless the client says less. In a streamed answer: the longest silence. */
  timeout: duration().default(10_000),
  /** The share of that time kept for the rungs. */
  reserve: share().default(0.2),
  /** Longest body of a request. */
  bodyMax: bytes().default(16 * 1_048_576),
  /** Longest body, of a request or an answer, that is held until it is whole before it is passed on. */
  holdMax: bytes().default(65_536),
  /** All bodies together that are kept for a second attempt or a rung; what does not fit is passed on once only. */
  keptMax: bytes().default(256 * 1_048_576),
  /** Requests served at once; beyond it 503. */
  active: count().default(1_024),
  /** Connections of clients; beyond it they are closed. */
  clients: count().default(4_096),
  /** Longest head of a request. */
  headMax: bytes().default(65_536),
  /** How long a client may take to send a head, and a whole request. */
  headTimeout: duration().default(10_000),
  bodyTimeout: duration().default(300_000),
  /** How long a connection may be idle: longer than common load balancers allow (60 s), so that they and not we close it. */
  idle: duration().default(75_000),
  /** `ordinary`: nothing takes the plain lane. */
  lanes: z.enum(["both", "ordinary"]).default("both"),
  /** How many inferences the primary is given at once, found from their latencies. */
  concurrency: concurrencyOptions.prefault({}),
  /** What becomes of requests that crash the primary. */
  quarantine: quarantineOptions.prefault({}),
  /** Asks a rung beside a slow primary; counts against the budget of `retry`. */
  hedge: z
    .strictObject({
      /** When the primary counts as slow; `p95`: of its latencies of late. None: no hedges. */
      after: z.union([z.literal("p95"), duration()], { error: 'expected a duration with its unit, such as "200ms", or "p95"' }).optional(),
      /** None: the first of the ladder that is another model, or another server of it. */
      rung: z.string().min(1).optional(),
    })
    .prefault({}),
  /** Second attempts at the primary and hedges: a share of the requests of the last 10 s, and at least so many. */
  retry: z.strictObject({ ratio: share().default(0.2), min: z.int().min(0).default(3) }).prefault({}),
  /** Inferences whose bodies are handed on for analysis, and the longest body taken. */
  sample: z.strictObject({ ratio: share().default(0.1), bodyMax: bytes().default(1_048_576) }).prefault({}),
  /** Connections to the primary. */
  connections: count().default(128),
  /** Threads that move bytes. 1: none, the main thread does. */
  workers: z.int().min(1).max(64).default(1),
  /** At the end: how long it goes on accepting, as long as something still comes. */
  linger: duration(0).default(5_000),
  /** How long requests under way may take to finish when the gateway closes. */
  drain: duration().default(10_000),
});

export type GatewayOptions = z.output<typeof gatewayOptions>;
