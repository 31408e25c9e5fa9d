import { MetadataTooLarge } from './user-errors.js';

/** JSON that an application keeps with a user. */
export type Metadata = Readonly<Record<string, unknown>>;
/** Members that replace those of the same name; `null` removes one. What is nested is replaced as a whole. */
export type MetadataPatch = Readonly<Record<string, unknown>>;

/** Of compact JSON. Every look-up returns it, so it is for settings and references, not for documents. */
const MAX_BYTES = 4_096;
/** An object in the metadata is at depth 2. */
const MAX_DEPTH = 8;
const MAX_NAMES = 128;
const MAX_NAME_LENGTH = 64;

/** Why this cannot be kept, in a sentence; `undefined` when it can. */
export function metadataError(metadata: Metadata): string | undefined {
  let names = 0;
  const errorOf = (value: unknown, depth: number): string | undefined => {
    if (typeof value === 'number') {
      return isPlain(value)
        ? undefined
        : 'Numbers should be written without an exponent; longer ones fit strings';
    }
    if (typeof value !== 'object' || value === null) return undefined;
    if (depth > MAX_DEPTH) return `Objects and lists should be nested ${MAX_DEPTH} deep at most`;
    for (const [name, member] of Object.entries(value)) {
      if (!Array.isArray(value)) {
        if (name === '' || name.length > MAX_NAME_LENGTH) {
          return `Names should have 1 to ${MAX_NAME_LENGTH} characters`;
        }
        if (++names > MAX_NAMES) return `There should be ${MAX_NAMES} names at most, nested ones included`;
      }
      const error = errorOf(member, depth + 1);
      if (error !== undefined) return error;
    }
    return undefined;
  };
  const error = errorOf(metadata, 1);
  if (error !== undefined) return error;
  const bytes = Buffer.byteLength(JSON.stringify(metadata));
  return bytes > MAX_BYTES ? `It should have ${MAX_BYTES} bytes of compact JSON at most` : undefined;
}

/** @throws MetadataTooLarge when the result exceeds the limits */
export function patched(before: Metadata, patch: MetadataPatch): Record<string, unknown> {
  const members = new Map(Object.entries(before));
  for (const [name, value] of Object.entries(patch)) {
    if (value === null) members.delete(name);
    else members.set(name, value);
  }
  const after = Object.fromEntries(members);
  const error = metadataError(after);
  if (error !== undefined) throw new MetadataTooLarge(error);
  return after;
}

/** Freezes nested values too: requests share a cached value, so none may change it. */
export function freezeMetadata<T>(value: T): T {
  if (typeof value !== 'object' || value === null) return value;
  for (const member of Object.values(value)) freezeMetadata(member);
  return Object.freeze(value);
}

/** jsonb writes 1e300 digit by digit, so a few bytes of text would become many. */
function isPlain(value: number): boolean {
  return Number.isFinite(value) && !String(value).includes('e');
}
