/** What an access token says of its bearer. It is read for display alone: the server verifies it. */

export interface Bearer {
  token: string;
  userId: string;
  sessionId: string;
  email: string;
  isAdmin: boolean;
  /** By this machine's clock, whatever the server's says. */
  expiresAt: number;
}

export function bearerOf(token: string, now: number): Bearer {
  const claims = claimsOf(token);
  const lifeS = Number(claims.exp) - Number(claims.iat);
  return {
    token,
    userId: String(claims.sub),
    sessionId: String(claims.sid),
    email: String(claims.email),
    isAdmin: Array.isArray(claims.roles) && claims.roles.includes("admin"),
    expiresAt: now + lifeS * 1000,
  };
}

function claimsOf(token: string): Record<string, unknown> {
  const payload = token.split(".")[1] ?? "";
  const text = atob(payload.replaceAll("-", "+").replaceAll("_", "/"));
  const bytes = Uint8Array.from(text, (letter) => letter.charCodeAt(0));
  return JSON.parse(new TextDecoder().decode(bytes));
}
