/** Messages made hostile: one to four small accidents each, from numbers in [0, 1). */

const pieces: readonly Buffer[] = [
  "\r\n", "\r\n\r\n", "\n", "\r", "\0", " ", "\t", ":", ",", ";", "\u00ff", "0\r\n\r\n", "fffffffffffffffff\r\n",
  "Content-Length: 5\r\n", "Content-Length: 0\r\n", "Transfer-Encoding: chunked\r\n", "Transfer-Encoding: identity\r\n", "Connection: close\r\n", "Connection: upgrade\r\nUpgrade: h2c\r\n", "Expect: 100-continue\r\n",
  "HTTP/1.1 200 OK\r\n", "HTTP/1.1 100 Continue\r\n\r\n", "HTTP/1.1 101 Switching Protocols\r\n\r\n", "GET / HTTP/1.1\r\nHost: h\r\n\r\n", " folded\r\n", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
].map((text) => Buffer.from(text, "latin1"));

/** `other`: a message to splice it with. */
export function mutated(message: Buffer, other: Buffer, random: () => number): Buffer {
  let bytes: Buffer = Buffer.from(message);
  for (let left = 1 + Math.floor(random() * 4); left > 0; left -= 1) bytes = accident(bytes, other, random);
  return bytes;
}

function accident(bytes: Buffer, other: Buffer, random: () => number): Buffer {
  const place = (of: Buffer = bytes) => Math.floor(random() * (of.length + 1));
  const at = place();
  const end = Math.min(bytes.length, at + Math.floor(random() * 30));
  switch (Math.floor(random() * 7)) {
    case 0: {
      if (at < bytes.length) bytes[at] = (bytes[at] as number) ^ (1 << Math.floor(random() * 8));
      return bytes;
    }
    case 1:
      return Buffer.concat([bytes.subarray(0, at), bytes.subarray(end)]);
    case 2:
      return Buffer.concat([bytes.subarray(0, at), pieces[Math.floor(random() * pieces.length)] as Buffer, bytes.subarray(at)]);
    case 3:
      return Buffer.concat([bytes.subarray(0, end), bytes.subarray(at)]);
    case 4: // The beginning of one, the end of the other.
      return Buffer.concat([bytes.subarray(0, at), other.subarray(place(other))]);
    case 5: // One inside the other.
      return Buffer.concat([bytes.subarray(0, at), other, bytes.subarray(at)]);
    default: {
      if (at < bytes.length) bytes[at] = Math.floor(random() * 256);
      return bytes;
    }
  }
}
