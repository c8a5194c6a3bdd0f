/**
 * The input contract on the data path: only bodies that are held whole are looked at, before the first attempt where it decides
 * something, and else after the answer, so that nobody waits for what is only counted.
 */
import type { ContractGate, Ruling } from "../contract/gate.ts";
import type { Inquiry } from "./inquiry.ts";

/** The request's body has to be whole before anybody is asked: to be held against the contract, or to be known again. */
export function needsWhole({ target, room, incoming }: Inquiry): boolean {
  if (target === undefined) return false;
  // Who may have crashed the server is known by the whole body only, however long.
  if (room.suspicion?.quiet === false) return true;
  return room.gates.contract?.decides === true && (incoming.declaredBytes ?? 0) <= room.options.holdMax;
}

/** What the contract says before anybody is asked; undefined where it does not decide. */
export function screened(inquiry: Inquiry): Ruling | undefined {
  const { contract } = inquiry.room.gates;
  return contract?.decides === true && inquiry.target !== undefined ? ruled(inquiry, contract) : undefined;
}

/** Of a request that is over. */
export function observed(inquiry: Inquiry): void {
  const { contract } = inquiry.room.gates;
  if (contract?.decides === false && inquiry.target !== undefined) ruled(inquiry, contract);
}

function ruled({ upload, path, incoming, room }: Inquiry, contract: ContractGate): Ruling | undefined {
  if (upload.ended && upload.replayable && upload.bytes <= room.options.holdMax) return contract.rule({ body: upload.whole(), path, headers: () => incoming.headers() });
  contract.passedBy();
  return undefined;
}
