/**
 * Certificates for tests, made anew each time, so that no key lies about. Source of the form: RFC 5280, section 4.1; RFC 5758 for
 * ECDSA with SHA-256.
 */
import { generateKeyPairSync, sign, type KeyObject } from "node:crypto";

export interface Certified {
  /** Both in PEM, for node:https. */
  readonly cert: string;
  readonly key: string;
  readonly name: string;
  readonly privateKey: KeyObject;
}

export interface CertificateOptions {
  readonly name: string;
  /** By whom it is signed; by itself where nobody is named. */
  readonly by?: Certified;
  /** May it sign others? */
  readonly authority?: boolean;
  /** UTCTime, such as `200101000000Z`. */
  readonly from?: string;
  readonly to?: string;
}

/** For the address 127.0.0.1. */
export function certificate({ name, by, authority = false, from = "200101000000Z", to = "491231000000Z" }: CertificateOptions): Certified {
  const { publicKey, privateKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
  const ecdsaWithSha256 = sequence(objectId(0x2a, 0x86, 0x48, 0xce, 0x3d, 0x04, 0x03, 0x02));
  const validity = sequence(tagged(0x17, Buffer.from(from)), tagged(0x17, Buffer.from(to)));
  const alternativeNames = sequence(objectId(0x55, 0x1d, 0x11), tagged(0x04, sequence(tagged(0x87, Buffer.from([127, 0, 0, 1])))));
  const constraints = sequence(objectId(0x55, 0x1d, 0x13), tagged(0x04, sequence(...(authority ? [tagged(0x01, Buffer.of(0xff))] : []))));
  const extensions = tagged(0xa3, sequence(alternativeNames, constraints));
  const version3 = tagged(0xa0, integer(2));
  const signed = sequence(version3, integer(1), ecdsaWithSha256, commonName(by?.name ?? name), validity, commonName(name), publicKey.export({ type: "spki", format: "der" }), extensions);
  const signature = tagged(0x03, Buffer.concat([Buffer.of(0), sign("sha256", signed, by?.privateKey ?? privateKey)]));
  const lines = sequence(signed, ecdsaWithSha256, signature).toString("base64").match(/.{1,64}/g) ?? [];
  return {
    cert: ["-----BEGIN CERTIFICATE-----", ...lines, "-----END CERTIFICATE-----", ""].join("\n"),
    key: privateKey.export({ type: "pkcs8", format: "pem" }) as string,
    name,
    privateKey,
  };
}

function commonName(name: string): Buffer {
  return sequence(tagged(0x31, sequence(objectId(0x55, 0x04, 0x03), tagged(0x0c, Buffer.from(name)))));
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
