/**
 * Reads protobuf's wire format, by field numbers taken from the .proto files of OTLP. Written for the tests, so that what
 * the exporter sends is judged by something that shares no code with it. Source: the protobuf encoding specification.
 */
export type Field = "uint" | "sint" | "uints" | "fixed64" | "double" | "text" | "hex" | "doubles" | "fixed64s" | Message;
/** Names and kinds by field number; a name that ends with `[]` repeats. */
export interface Message {
  readonly [number: number]: readonly [name: string, kind: Field];
}

// oxlint-disable-next-line typescript/no-explicit-any -- decoded data, looked at by assertions
export type Decoded = Record<string, any>;

export function decode(bytes: Uint8Array, message: Message): Decoded {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const result: Decoded = {};
  for (const [name] of Object.values(message)) if (name.endsWith("[]")) result[name.slice(0, -2)] = [];
  let at = 0;

  function varint(): number {
    let value = 0;
    for (let shift = 0; ; shift += 7) {
      const byte = bytes[at++] as number;
      value += (byte & 0x7f) * 2 ** shift;
      if (byte < 0x80) return value;
    }
  }
  function payload(wireType: number): Uint8Array {
    const length = wireType === 0 ? undefined : wireType === 1 ? 8 : wireType === 5 ? 4 : wireType === 2 ? varint() : Number.NaN;
    if (Number.isNaN(length)) throw new Error(`unknown wire type ${wireType}`);
    const start = at;
    if (length === undefined) varint();
    else at += length;
    if (at > bytes.length) throw new Error("the message is cut short");
    return bytes.subarray(start, at);
  }

  while (at < bytes.length) {
    const tag = varint();
    const start = at;
    const part = payload(tag & 7);
    const field = message[tag >>> 3];
    if (field === undefined) continue;
    const [name, kind] = field;
    const value = read(part, kind, () => {
      at = start;
      return varint();
    });
    if (name.endsWith("[]")) result[name.slice(0, -2)].push(value);
    else result[name] = value;
  }
  return result;

  function read(part: Uint8Array, kind: Field, asVarint: () => number): unknown {
    const offset = part.byteOffset - bytes.byteOffset;
    switch (kind) {
      case "uint":
        return asVarint();
      case "sint": {
        const zigzag = asVarint();
        return zigzag % 2 === 0 ? zigzag / 2 : -(zigzag + 1) / 2;
      }
      case "uints": {
        const values: number[] = [];
        for (let i = 0; i < part.length; ) {
          let value = 0;
          for (let factor = 1; ; factor *= 128) {
            const byte = part[i++] as number;
            value += (byte & 0x7f) * factor;
            if (byte < 0x80) break;
          }
          values.push(value);
        }
        return values;
      }
      case "fixed64":
        return view.getBigUint64(offset, true);
      case "double":
        return view.getFloat64(offset, true);
      case "text":
        return Buffer.from(part).toString("utf8");
      case "hex":
        return Buffer.from(part).toString("hex");
      case "doubles":
        return Array.from({ length: part.length / 8 }, (_, i) => view.getFloat64(offset + 8 * i, true));
      case "fixed64s":
        return Array.from({ length: part.length / 8 }, (_, i) => Number(view.getBigUint64(offset + 8 * i, true)));
      default:
        return decode(part, kind);
    }
  }
}
