/**
 * Whether this is text that bcrypt tells apart from every other: NUL ends a C string, and lone surrogates all become
 * U+FFFD in UTF-8, so that different passwords would share a hash.
 */
export function isWellFormedPassword(password: string): boolean {
  return !password.includes('\0') && !/\p{Surrogate}/u.test(password);
}

/** Length as people count it, but for what they see as one character and Unicode does not. */
export function passwordCharacters(password: string): number {
  return [...password].length;
}

/** Length as bcrypt sees it. */
export function passwordBytes(password: string): number {
  return Buffer.byteLength(password, 'utf8');
}
