/**
 * Writes protobuf's wire format: as much of it as OTLP needs. Fields are written in the order of the calls; a field at its
 * default is the caller's to leave out. Source: the protobuf encoding specification.
 */
export class ProtobufWriter {
  #buffer = Buffer.allocUnsafe(16_384);
  #at = 0;

  /** What was written so far, as bytes of its own. */
  bytes(): Uint8Array<ArrayBuffer> {
    return Uint8Array.from(this.#buffer.subarray(0, this.#at));
  }

  /** A message in the message. Its length stands before it, so it is moved on where that takes more than the one byte left free. */
  message(field: number, write: () => void): void {
    this.#tag(field, 2);
    this.#room(1);
    const start = (this.#at += 1);
    write();
    const length = this.#at - start;
    const more = varintLength(length) - 1;
    if (more > 0) {
      this.#room(more);
      this.#buffer.copyWithin(start + more, start, this.#at);
    }
    this.#at = start - 1;
    this.#varint(length);
    this.#at += length;
  }

  text(field: number, value: string): void {
    const length = Buffer.byteLength(value);
    this.#tag(field, 2);
    this.#varint(length);
    this.#room(length);
    this.#at += this.#buffer.write(value, this.#at);
  }

  /** Bytes given as hexadecimal digits. */
  hex(field: number, value: string): void {
    this.#tag(field, 2);
    this.#varint(value.length / 2);
    this.#room(value.length / 2);
    this.#at += this.#buffer.write(value, this.#at, "hex");
  }

  /** A whole number from 0 up to 2^53. */
  uint(field: number, value: number): void {
    this.#tag(field, 0);
    this.#varint(value);
  }

  /** int64 where the number may be below 0. */
  int(field: number, value: number): void {
    if (value >= 0) return this.uint(field, value);
    this.#tag(field, 0);
    let rest = BigInt.asUintN(64, BigInt(value));
    for (; rest > 0x7fn; rest >>= 7n) this.#byte(Number(rest & 0x7fn) | 0x80);
    this.#byte(Number(rest));
  }

  /** sint32, in zigzag. */
  sint(field: number, value: number): void {
    this.uint(field, value >= 0 ? 2 * value : -2 * value - 1);
  }

  double(field: number, value: number): void {
    this.#tag(field, 1);
    this.#room(8);
    this.#at = this.#buffer.writeDoubleLE(value, this.#at);
  }

  fixed32(field: number, value: number): void {
    this.#tag(field, 5);
    this.#room(4);
    this.#at = this.#buffer.writeUInt32LE(value, this.#at);
  }

  /** fixed64 of a whole number below 2^53. */
  fixed64(field: number, value: number): void {
    this.#tag(field, 1);
    this.#fixed64(value);
  }

  /** Nanoseconds since 1970, which no double can hold, from whole seconds and the nanoseconds beyond. */
  time(field: number, seconds: number, nanoseconds: number): void {
    this.#tag(field, 1);
    this.#room(8);
    this.#at = this.#buffer.writeBigUInt64LE(BigInt(seconds) * 1_000_000_000n + BigInt(nanoseconds), this.#at);
  }

  doubles(field: number, values: ArrayLike<number>): void {
    this.#tag(field, 2);
    this.#varint(8 * values.length);
    this.#room(8 * values.length);
    for (let i = 0; i < values.length; i += 1) this.#at = this.#buffer.writeDoubleLE(values[i] as number, this.#at);
  }

  fixed64s(field: number, values: ArrayLike<number>): void {
    this.#tag(field, 2);
    this.#varint(8 * values.length);
    for (let i = 0; i < values.length; i += 1) this.#fixed64(values[i] as number);
  }

  /** uint64, packed. */
  uints(field: number, values: ArrayLike<number>): void {
    let length = 0;
    for (let i = 0; i < values.length; i += 1) length += varintLength(values[i] as number);
    this.#tag(field, 2);
    this.#varint(length);
    for (let i = 0; i < values.length; i += 1) this.#varint(values[i] as number);
  }

  #tag(field: number, wireType: number): void {
    this.#varint(field * 8 + wireType);
  }

  #fixed64(value: number): void {
    this.#room(8);
    this.#at = this.#buffer.writeUInt32LE(value % 2 ** 32, this.#at);
    this.#at = this.#buffer.writeUInt32LE(Math.floor(value / 2 ** 32), this.#at);
  }

  #varint(value: number): void {
    let rest = value;
    for (; rest > 0x7f; rest = Math.floor(rest / 128)) this.#byte((rest % 128) | 0x80);
    this.#byte(rest);
  }

  #byte(value: number): void {
    this.#room(1);
    this.#buffer[this.#at] = value;
    this.#at += 1;
  }

  #room(bytes: number): void {
    if (this.#at + bytes <= this.#buffer.length) return;
    const larger = Buffer.allocUnsafe(Math.max(2 * this.#buffer.length, this.#at + bytes));
    this.#buffer.copy(larger, 0, 0, this.#at);
    this.#buffer = larger;
  }
}

function varintLength(value: number): number {
  let length = 1;
  for (let rest = value; rest > 0x7f; rest = Math.floor(rest / 128)) length += 1;
  return length;
}
