/**
 * Tensors as bytes: the datatypes of the Open Inference Protocol, row-major, little-endian, one after the other without
 * padding. A BYTES element is its length in 4 bytes and then as many bytes, read as UTF-8. Source: Triton's
 * docs/protocol/extension_binary_data.md; BF16 as Triton has it, the upper half of an FP32.
 *
 * INT64 and UINT64 beyond 2^53 lose digits, as in JSON. NaN and the infinities are kept.
 */
import type { Value } from "./protocol.ts";

interface Fixed {
  readonly bytes: number;
  readonly read: (view: DataView, at: number) => number | boolean;
  /** Of a number; what does not fit wraps around, as in C. */
  readonly write: (view: DataView, at: number, value: number) => void;
}

const datatypes: Readonly<Record<string, Fixed>> = {
  BOOL: { bytes: 1, read: (view, at) => view.getUint8(at) !== 0, write: (view, at, value) => view.setUint8(at, value === 0 ? 0 : 1) },
  INT8: { bytes: 1, read: (view, at) => view.getInt8(at), write: (view, at, value) => view.setInt8(at, value) },
  INT16: { bytes: 2, read: (view, at) => view.getInt16(at, true), write: (view, at, value) => view.setInt16(at, value, true) },
  INT32: { bytes: 4, read: (view, at) => view.getInt32(at, true), write: (view, at, value) => view.setInt32(at, value, true) },
  INT64: { bytes: 8, read: (view, at) => Number(view.getBigInt64(at, true)), write: (view, at, value) => view.setBigInt64(at, integer(value), true) },
  UINT8: { bytes: 1, read: (view, at) => view.getUint8(at), write: (view, at, value) => view.setUint8(at, value) },
  UINT16: { bytes: 2, read: (view, at) => view.getUint16(at, true), write: (view, at, value) => view.setUint16(at, value, true) },
  UINT32: { bytes: 4, read: (view, at) => view.getUint32(at, true), write: (view, at, value) => view.setUint32(at, value, true) },
  UINT64: { bytes: 8, read: (view, at) => Number(view.getBigUint64(at, true)), write: (view, at, value) => view.setBigUint64(at, integer(value), true) },
  FP16: { bytes: 2, read: (view, at) => view.getFloat16(at, true), write: (view, at, value) => view.setFloat16(at, value, true) },
  BF16: { bytes: 2, read: (view, at) => fromBfloat16(view.getUint16(at, true)), write: (view, at, value) => view.setUint16(at, toBfloat16(value), true) },
  FP32: { bytes: 4, read: (view, at) => view.getFloat32(at, true), write: (view, at, value) => view.setFloat32(at, value, true) },
  FP64: { bytes: 8, read: (view, at) => view.getFloat64(at, true), write: (view, at, value) => view.setFloat64(at, value, true) },
};

/** Can tensors of this datatype be written as bytes? */
export function isBinary(datatype: string): boolean {
  return datatype === "BYTES" || Object.hasOwn(datatypes, datatype);
}

/** The values in `bytes`; undefined where they are not exactly `count` values of that datatype. Never throws. */
export function readValues(datatype: string, bytes: Uint8Array, count: number): readonly Value[] | undefined {
  if (datatype === "BYTES") return readTexts(bytes, count);
  const fixed = Object.hasOwn(datatypes, datatype) ? datatypes[datatype] : undefined;
  if (fixed === undefined || bytes.length !== count * fixed.bytes) return undefined;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const { read, bytes: width } = fixed;
  const values: Value[] = []; // Array.from with a function takes several times as long.
  for (let at = 0; at < bytes.length; at += width) values.push(read(view, at));
  return values;
}

/**
 * The bytes of a tensor. A value that is no number counts as 0, a missing one of a floating datatype as NaN.
 * Throws a RangeError for a datatype that has no bytes.
 */
export function writeValues(datatype: string, values: readonly Value[]): Buffer {
  if (datatype === "BYTES") return writeTexts(values);
  const fixed = Object.hasOwn(datatypes, datatype) ? datatypes[datatype] : undefined;
  if (fixed === undefined) throw new RangeError(`tensors of datatype ${datatype} can not be written as bytes`);
  const bytes = Buffer.alloc(values.length * fixed.bytes);
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  values.forEach((value, index) => fixed.write(view, index * fixed.bytes, value === null ? Number.NaN : Number(value)));
  return bytes;
}

function readTexts(bytes: Uint8Array, count: number): readonly string[] | undefined {
  // Each has at least its length, so a count beyond that is refused before anything is made for it.
  if (count > bytes.length / 4) return undefined;
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const texts: string[] = [];
  let at = 0;
  while (at + 4 <= buffer.length && texts.length < count) {
    const end = at + 4 + buffer.readUInt32LE(at);
    if (end > buffer.length) return undefined;
    texts.push(buffer.toString("utf8", at + 4, end));
    at = end;
  }
  return texts.length === count && at === buffer.length ? texts : undefined;
}

function writeTexts(values: readonly Value[]): Buffer {
  return Buffer.concat(
    values.flatMap((value) => {
      const text = Buffer.from(value === null ? "" : String(value));
      const length = Buffer.alloc(4);
      length.writeUInt32LE(text.length);
      return [length, text];
    }),
  );
}

function integer(value: number): bigint {
  return Number.isFinite(value) ? BigInt(Math.trunc(value)) : 0n;
}

const word = new DataView(new ArrayBuffer(4));

function fromBfloat16(bits: number): number {
  word.setUint32(0, bits * 0x10000);
  return word.getFloat32(0);
}

/** Rounded to the nearest, ties to even. */
function toBfloat16(value: number): number {
  if (Number.isNaN(value)) return 0x7fc0;
  word.setFloat32(0, value);
  const bits = word.getUint32(0);
  return ((bits + 0x7fff + ((bits >>> 16) & 1)) / 0x10000) & 0xffff;
}
