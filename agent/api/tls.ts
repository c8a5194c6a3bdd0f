/**
 * TLS of a listener: its certificate and key, and for mutual TLS the authority whose clients may come at all. The files are read
 * anew when they change, without a connection being lost; where what they say then can not be used, the old ones stay.
 */
import { createSecureContext, TLSSocket, type PeerCertificate, type Server as TlsServer } from "node:tls";
import type { Socket } from "node:net";
import * as z from "zod";
import type { Clock } from "../clock.ts";
import type { Close } from "../lifecycle.ts";
import type { Log } from "../log.ts";
import { roles, type Principal } from "../principal.ts";
import { readSmall, watch } from "./file-watch.ts";

export const tlsOptions = z.strictObject({
  /** PEM: the certificate, with those between it and its authority. */
  cert: z.string().min(1),
  /** PEM: its key. */
  key: z.string().min(1),
  /** PEM: with it, only clients with a certificate of this authority may connect. */
  clientCa: z.string().min(1).optional(),
});
export type TlsOptions = z.infer<typeof tlsOptions>;

export const clientOptions = z.strictObject({
  /** What its certificate's subject must say, such as `{CN: alice, O: ops}`; more may stand in it. */
  subject: z.partialRecord(z.enum(["CN", "O", "OU", "C", "L", "ST"]), z.string().min(1)).refine((subject) => Object.keys(subject).length > 0, { message: "expected at least one part, such as CN" }),
  role: z.enum(roles),
});
export type ClientOptions = z.infer<typeof clientOptions>;

export interface Material {
  readonly cert: string;
  readonly key: string;
  readonly ca?: string;
}

export interface TlsFiles {
  readonly material: Material;
  /** Keeps the server's certificate as the files have it. */
  readonly follow: (server: TlsServer) => Close;
}

/** What a TLS server is made with. */
export function serverOptions({ material }: TlsFiles): Material & { readonly minVersion: "TLSv1.2"; readonly requestCert: boolean; readonly rejectUnauthorized: boolean } {
  const mutual = material.ca !== undefined;
  return { ...material, minVersion: "TLSv1.2", requestCert: mutual, rejectUnauthorized: mutual };
}

/** Rejects where a file can not be read or used; the message names the option, such as `api.tls.cert`. */
export async function readTls(section: string, options: TlsOptions, { clock, log }: { readonly clock: Clock; readonly log: Log }): Promise<TlsFiles> {
  const material = await readMaterial(section, options);
  return {
    material,
    follow(server) {
      let inForce = material;
      let told = "";
      return watch(
        clock,
        async () => {
          const now = await readMaterial(section, options);
          told = "";
          if (now.cert === inForce.cert && now.key === inForce.key && now.ca === inForce.ca) return;
          server.setSecureContext(now);
          inForce = now;
          log.info({ section }, "the certificate was read anew");
        },
        (error) => {
          const { message } = error as Error;
          if (message !== told) log.error({ section, error: message }, "the certificate could not be read anew, the old one stays in force");
          told = message;
        },
      );
    },
  };
}

/** Rejects where a file can not be read or used; the message names the option. */
export async function readMaterial(section: string, { cert, key, clientCa }: TlsOptions): Promise<Material> {
  const read = { cert: await readSmall(`${section}.tls.cert`, cert), key: await readSmall(`${section}.tls.key`, key) };
  const material = clientCa === undefined ? read : { ...read, ca: await readSmall(`${section}.tls.clientCa`, clientCa) };
  try {
    createSecureContext(material);
  } catch (error) {
    throw new Error(`${section}.tls.cert: ${cert} and ${key} can not be used: ${(error as Error).message}`, { cause: error });
  }
  return material;
}

/** Who a client is by the certificate it showed, which was checked when it connected; undefined where nobody knows it. */
export function principalByCertificate(socket: Socket, clients: readonly ClientOptions[]): Principal | undefined {
  if (clients.length === 0 || !(socket instanceof TLSSocket) || !socket.authorized) return undefined;
  const certificate = socket.getPeerCertificate();
  const shown = certificate.subject as Readonly<Record<string, string | readonly string[]>> | undefined;
  if (shown === undefined) return undefined;
  const client = clients.find(({ subject }) => Object.entries(subject).every(([part, value]) => [shown[part] ?? []].flat().includes(value)));
  return client && { name: nameOf(certificate), role: client.role, expiresAtWallMs: Date.parse(certificate.valid_to) };
}

function nameOf({ subject }: PeerCertificate): string {
  return Object.entries(subject)
    .map(([part, value]) => `${part}=${String(value)}`)
    .join(", ")
    .slice(0, 200);
}
