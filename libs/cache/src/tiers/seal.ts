import { createHmac, createSecretKey, timingSafeEqual, type KeyObject } from 'node:crypto';

/** Newest first: the first seals, all of them open. At least 32 bytes each, known only to our instances. */
export type SealKeys = readonly [Buffer, ...Buffer[]];

/** 32 bytes in base64url. */
const MAC_CHARACTERS = 43;

/**
 * Authenticates texts in a store that others can write to: HMAC-SHA-256 over the text and its context. It proves that one
 * of our instances wrote this text for this place. It does not prove that the text is the latest; stamps do that.
 */
export class Seal {
  readonly #keys: readonly KeyObject[];

  constructor(keys: SealKeys) {
    this.#keys = keys.map((key) => createSecretKey(key));
  }

  /** @param context what the text is and where it belongs; needed again to open it, not part of the result */
  close(context: readonly (string | number)[], text: string): string {
    return mac(this.#keys[0]!, context, text) + text;
  }

  /** The text; `undefined` unless one of the keys sealed exactly this text in exactly this context. */
  open(context: readonly (string | number)[], sealed: string): string | undefined {
    if (sealed.length < MAC_CHARACTERS) return undefined;
    const text = sealed.slice(MAC_CHARACTERS);
    const given = Buffer.from(sealed.slice(0, MAC_CHARACTERS), 'latin1');
    const opens = (key: KeyObject): boolean =>
      timingSafeEqual(Buffer.from(mac(key, context, text), 'latin1'), given);
    return this.#keys.some(opens) ? text : undefined;
  }
}

/** JSON of the context holds no line break, so nothing can move from the context into the text or back. */
function mac(key: KeyObject, context: readonly (string | number)[], text: string): string {
  return createHmac('sha256', key)
    .update(`${JSON.stringify(context)}\n`)
    .update(text)
    .digest('base64url');
}
