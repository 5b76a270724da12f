/** The server's rules for a new password, so that a form can tell before it is sent. */

export type Lack = "length" | "lower" | "upper" | "digit" | "symbol" | "too_long";

const LENGTH = 8;
const BYTES = 72;

export function passwordLacks(password: string): Lack[] {
  const lacks: Lack[] = [];
  if ([...password].length < LENGTH) lacks.push("length");
  if (!/\p{Ll}/u.test(password)) lacks.push("lower");
  if (!/\p{Lu}/u.test(password)) lacks.push("upper");
  if (!/\p{Nd}/u.test(password)) lacks.push("digit");
  if (!/[^\p{L}\p{N}\s]/u.test(password)) lacks.push("symbol");
  if (new TextEncoder().encode(password).length > BYTES) lacks.push("too_long");
  return lacks;
}

export const looksLikeAddress = (text: string): boolean => /^[^@\s]+@[^@\s]+\.[^@\s]+$/.test(text.trim());
