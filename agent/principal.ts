/** Who asks, and what that one may do. Each role may do what the one before it may. */
export const roles = ["read", "act", "admin"] as const;
/** read: look; act: decide for traffic (overrides, reviews, actuals, samples); admin: change what is in force (config, references, recordings). */
export type Role = (typeof roles)[number];

export interface Principal {
  /** For the audit log: the token's name, the certificate's subject, or `local` where nobody is asked. */
  readonly name: string;
  readonly role: Role;
  /** When what it showed stops counting; undefined: it does not. */
  readonly expiresAtWallMs?: number | undefined;
}

export function mayDo({ role }: Principal, asked: Role): boolean {
  return roles.indexOf(role) >= roles.indexOf(asked);
}
