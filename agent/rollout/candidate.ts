/** A candidate in words, what is wrong with it, and whether it is not the primary itself. Pure. */
import { basename } from "node:path";
import type { CandidateAsked } from "../rollout-view.ts";
import type { DealtCandidate } from "../trial.ts";

/** The server that answers now, as far as it is known. */
export interface PrimaryKnown {
  readonly model: string;
  readonly url: string;
  readonly version: string | undefined;
  /** Those that the server describes; empty where it does not. */
  readonly versions: readonly string[];
}

/** For people: `version 2`, `http://10.0.0.7:8080`, `candidate.onnx`. */
export function candidateName({ url, version, onnx }: CandidateAsked): string {
  if (onnx !== undefined) return basename(onnx);
  if (url === undefined) return `version ${version}`;
  const place = url.replace(/\/+$/, "");
  return version === undefined ? place : `version ${version} at ${place}`;
}

/** What makes it no candidate at all, a sentence each; none where it is one. */
export function candidateProblems({ url, version, onnx }: CandidateAsked): readonly string[] {
  const problems: string[] = [];
  if (url === undefined && version === undefined && onnx === undefined) problems.push("expected a candidate: its url, its version, or an onnx file");
  if (onnx !== undefined && url !== undefined) problems.push("expected one candidate: an onnx file has no url");
  if (url !== undefined && !/^https?:$/.test(URL.parse(url)?.protocol ?? "")) problems.push(`url: expected a model server's URL, such as "http://10.0.0.7:8080"`);
  if (version !== undefined && !/^[\x21-\x7e]{1,128}$/.test(version)) problems.push("version: expected 1 to 128 visible ASCII characters, no space");
  return problems;
}

/** The same address, however it is written. */
export function isSameServer(a: string, b: string): boolean {
  return address(a) === address(b);
}

function address(url: string): string {
  const { protocol, hostname, port, pathname } = new URL(url);
  const host = hostname === "localhost" || hostname === "[::1]" ? "127.0.0.1" : hostname.replace(/\.$/, "");
  return `${protocol}//${host}:${port}${pathname.replace(/\/+$/, "")}`;
}

/** Is it a version of the server that answers now, or that server itself? */
export function isAtPrimary({ url, onnx }: CandidateAsked, primary: PrimaryKnown): boolean {
  return onnx === undefined && (url === undefined || isSameServer(url, primary.url));
}

/** Is the candidate what answers already? Where no answer has told its version, a server that describes one version serves that one. */
export function isPrimary(candidate: CandidateAsked, primary: PrimaryKnown): boolean {
  if (!isAtPrimary(candidate, primary)) return false;
  return candidate.version === undefined || candidate.version === (primary.version ?? onlyOf(primary.versions));
}

/** Has the primary become what the candidate is? It is asked nothing meanwhile, so what it describes says more than its last answer. */
export function hasBecome(candidate: CandidateAsked, primary: PrimaryKnown): boolean {
  if (!isAtPrimary(candidate, primary)) return false;
  return candidate.version === undefined || candidate.version === onlyOf(primary.versions) || candidate.version === primary.version;
}

function onlyOf(versions: readonly string[]): string | undefined {
  return versions.length === 1 ? versions[0] : undefined;
}

export function dealtCandidate({ url, version, onnx }: CandidateAsked): DealtCandidate {
  if (onnx !== undefined) return { kind: "rung", ...(version !== undefined && { version }) };
  return { kind: "server", ...(url !== undefined && { url }), ...(version !== undefined && { version }) };
}
