/** The certificate of a server that let it expire: for 127.0.0.1, self-signed, valid for a day in January 2020. */
import { certificate } from "../certificates.ts";

/** Both in PEM, for node:https. */
export function expiredCertificate(): { readonly cert: string; readonly key: string } {
  return certificate({ name: "expired.test", from: "200101000000Z", to: "200102000000Z" });
}
