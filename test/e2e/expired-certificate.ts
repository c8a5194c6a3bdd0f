/**
 * The certificate of a server that let it expire: for 127.0.0.1, self-signed, valid for a day in January 2020. Made anew each
 * time, so that no key lies about. Source of the form: RFC 5280, section 4.1; RFC 5758 for ECDSA with SHA-256.
 */
import { generateKeyPairSync, sign } from "node:crypto";

/** Both in PEM, for node:https. */
export function expiredCertificate(): { readonly cert: string; readonly key: string } {
  const { publicKey, privateKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
  const ecdsaWithSha256 = sequence(objectId(0x2a, 0x86, 0x48, 0xce, 0x3d, 0x04, 0x03, 0x02));
  const name = sequence(tagged(0x31, sequence(objectId(0x55, 0x04, 0x03), tagged(0x0c, Buffer.from("expired.test")))));
  const validity = sequence(tagged(0x17, Buffer.from("200101000000Z")), tagged(0x17, Buffer.from("200102000000Z")));
  const alternativeNames = tagged(0x04, sequence(tagged(0x87, Buffer.from([127, 0, 0, 1]))));
  const extensions = tagged(0xa3, sequence(sequence(objectId(0x55, 0x1d, 0x11), alternativeNames)));
  const version3 = tagged(0xa0, integer(2));
  const signed = sequence(version3, integer(1), ecdsaWithSha256, name, validity, name, publicKey.export({ type: "spki", format: "der" }), extensions);
  const signature = tagged(0x03, Buffer.concat([Buffer.of(0), sign("sha256", signed, privateKey)]));
  const der = sequence(signed, ecdsaWithSha256, signature);
  const lines = der.toString("base64").match(/.{1,64}/g) ?? [];
  return {
    cert: ["-----BEGIN CERTIFICATE-----", ...lines, "-----END CERTIFICATE-----", ""].join("\n"),
    key: privateKey.export({ type: "pkcs8", format: "pem" }) as string,
  };
}

/** A value of DER behind its tag and its length. */
function tagged(tag: number, content: Buffer): Buffer {
  const { length } = content;
  const size = length < 128 ? [length] : length < 256 ? [0x81, length] : [0x82, length >> 8, length & 0xff];
  return Buffer.concat([Buffer.from([tag, ...size]), content]);
}

function sequence(...parts: readonly Buffer[]): Buffer {
  return tagged(0x30, Buffer.concat(parts));
}

function integer(value: number): Buffer {
  return tagged(0x02, Buffer.of(value));
}

function objectId(...bytes: readonly number[]): Buffer {
  return tagged(0x06, Buffer.from(bytes));
}
