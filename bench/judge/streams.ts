/** Streams of requests dealt between a primary and a candidate, healthy or not: what judges are compared on. */
import { gaussian, random } from "../chance.ts";

export interface Request {
  readonly candidate: boolean;
  readonly failed: boolean;
  readonly ms: number;
  /** Since the beginning. */
  readonly second: number;
}

export interface Scenario {
  readonly name: string;
  readonly bad: boolean;
  readonly weight: number;
  /** Of both sides together. */
  readonly perSecond: number;
  readonly seconds: number;
  /** Chance to fail. */
  readonly errors: (candidate: boolean) => number;
  /** Of a latency that was drawn as the primary's, what the candidate's is. */
  readonly latency?: (ms: number, second: number) => number;
  /** What load does to the latency of both sides. */
  readonly load?: (second: number) => number;
}

/** Log-normal, 20 ms in the middle; 98 % lie below `p98Ms`. */
const medianMs = 20;
const spread = 0.5;
export const p98Ms = medianMs * Math.exp(spread * 2.0537);

export function latencyMs(): number {
  return medianMs * Math.exp(spread * gaussian());
}

/** 20 % slower only where answers are slow anyway: mean and median hardly move, the 99th percentile by 20 %. */
export const slowerAtTail = (ms: number): number => (ms > p98Ms ? 1.2 * ms : ms);

export function stream({ weight, perSecond, seconds, errors, latency = (ms) => ms, load = () => 1 }: Scenario): Request[] {
  return Array.from({ length: Math.round(perSecond * seconds) }, (_, i) => {
    const second = Math.floor(i / perSecond);
    const candidate = random() < weight;
    const ms = load(second) * latencyMs();
    return { candidate, second, failed: random() < errors(candidate), ms: candidate ? latency(ms, second) : ms };
  });
}

const hour = 3_600;
const same = (): number => 0.005;
const fifthMinute = (second: number): boolean => Math.floor(second / 60) % 5 === 4;
const worse = (errors: number) => (candidate: boolean): number => (candidate ? errors : 0.005);

export const scenarios: readonly Scenario[] = [
  { name: "healthy, 1/s on the candidate", bad: false, weight: 0.1, perSecond: 10, seconds: hour, errors: same },
  { name: "healthy, 0.2/s on the candidate", bad: false, weight: 0.1, perSecond: 2, seconds: hour, errors: same },
  { name: "healthy, all 6 times as slow every fifth minute", bad: false, weight: 0.1, perSecond: 10, seconds: hour, errors: same, load: (second) => (fifthMinute(second) ? 6 : 1) },
  { name: "errors 0.5 % to 2 %, 0.2/s on the candidate", bad: true, weight: 0.1, perSecond: 2, seconds: hour, errors: worse(0.02) },
  { name: "errors 0.5 % to 2 %", bad: true, weight: 0.1, perSecond: 10, seconds: hour, errors: worse(0.02) },
  { name: "errors 0.5 % to 5 %", bad: true, weight: 0.1, perSecond: 10, seconds: hour, errors: worse(0.05) },
  { name: "errors 0.5 % to 50 %", bad: true, weight: 0.1, perSecond: 10, seconds: hour, errors: worse(0.5) },
  { name: "20 % slower at p99 only", bad: true, weight: 0.5, perSecond: 10, seconds: hour, errors: same, latency: slowerAtTail },
  { name: "6 times as slow every fifth minute", bad: true, weight: 0.1, perSecond: 10, seconds: hour, errors: same, latency: (ms, second) => (fifthMinute(second) ? 6 * ms : ms) },
  { name: "every answer 30 % slower", bad: true, weight: 0.1, perSecond: 10, seconds: hour, errors: same, latency: (ms) => 1.3 * ms },
];
