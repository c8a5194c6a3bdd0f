/**
 * The question whose answer is known: request and answer stand in the config, or in JSON files beside it. Files are read once,
 * when the probe is made, so that a broken one is found at the start and never in the middle of the night.
 */
import { closeSync, openSync, readSync } from "node:fs";
import * as z from "zod";
import type { KnownAnswer } from "./known-answer.ts";

export const knownAnswerSchema = z
  .record(z.string(), z.array(z.union([z.number(), z.string(), z.boolean()])))
  .refine((outputs) => Object.keys(outputs).length > 0, { error: "expected at least one output with its values" });

/**
 * The body to send. A file is sent as it is written, so that long integers keep their digits.
 * Throws an Error that names the option where the file can not be read, is too large, or holds no JSON object.
 */
export function knownRequest(request: string | Readonly<Record<string, unknown>>): Buffer {
  if (typeof request !== "string") return Buffer.from(JSON.stringify(request));
  const body = readFile("request", request);
  const json = parse("request", request, body);
  if (typeof json !== "object" || json === null || Array.isArray(json)) throw broken("request", `${request} holds no JSON object`);
  return body;
}

/** Throws an Error that names the option where the file can not be read, is too large, or holds no outputs with their values. */
export function knownAnswer(expect: string | KnownAnswer): KnownAnswer {
  if (typeof expect !== "string") return expect;
  const answer = knownAnswerSchema.safeParse(parse("expect", expect, readFile("expect", expect)));
  if (!answer.success) throw broken("expect", `${expect} holds no outputs with lists of values: ${answer.error.issues[0]?.message}`);
  return answer.data;
}

type Option = "request" | "expect";

const bytesMax = 1_048_576;

function readFile(option: Option, path: string): Buffer {
  const buffer = Buffer.alloc(bytesMax + 1);
  let length = 0;
  try {
    const file = openSync(path, "r");
    try {
      for (let read = -1; read !== 0 && length <= bytesMax; length += read) read = readSync(file, buffer, length, buffer.length - length, null);
    } finally {
      closeSync(file);
    }
  } catch (error) {
    throw broken(option, `${path} can not be read: ${error instanceof Error ? error.message : String(error)}`);
  }
  if (length > bytesMax) throw broken(option, `${path} is larger than ${bytesMax} bytes`);
  return Buffer.from(buffer.subarray(0, length));
}

function parse(option: Option, path: string, body: Buffer): unknown {
  try {
    return JSON.parse(body.toString("utf8"));
  } catch (error) {
    throw broken(option, `${path} is no JSON: ${error instanceof Error ? error.message : String(error)}`);
  }
}

function broken(option: Option, what: string): Error {
  return new Error(`probes.inference.${option}: ${what}`);
}
