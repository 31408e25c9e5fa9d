import { createHmac, timingSafeEqual } from 'node:crypto';
import { InvalidRefreshToken } from './invalid-refresh-token.js';

/** So that scanners for leaked secrets, and people, can tell what it is. */
const PREFIX = 'usher_rt_';
const ID_BYTES = 16;
const COUNTER_BYTES = 4;
const MAC_BYTES = 32;
const TOKEN = new RegExp(`^${PREFIX}[\\w-]{${Math.ceil(((ID_BYTES + COUNTER_BYTES + MAC_BYTES) * 4) / 3)}}$`);

export interface RefreshClaims {
  /** UUID, lower case. */
  readonly sessionId: string;
  /** Which token of its session it is, counted from 0. */
  readonly counter: number;
}

/**
 * Refresh tokens: session, number and an HMAC-SHA256 of the two. Nothing of them is stored, and still the current one can
 * be made again, for a client whose answer was lost.
 */
export class RefreshTokens {
  /** @param keys newest first; the first makes tokens, all of them are accepted */
  constructor(private readonly keys: readonly [Buffer, ...Buffer[]]) {}

  issue({ sessionId, counter }: RefreshClaims): string {
    const body = Buffer.alloc(ID_BYTES + COUNTER_BYTES);
    body.write(sessionId.replaceAll('-', ''), 'hex');
    body.writeUInt32BE(counter, ID_BYTES);
    return PREFIX + Buffer.concat([body, mac(this.keys[0], body)]).toString('base64url');
  }

  /**
   * Whether it is one of ours. Whether it is still good only the session knows.
   *
   * @throws InvalidRefreshToken
   */
  verify(token: string): RefreshClaims {
    if (!TOKEN.test(token)) throw new InvalidRefreshToken();
    const bytes = Buffer.from(token.slice(PREFIX.length), 'base64url');
    // Spare bits at the end of base64url would let one token be written in several ways.
    if (PREFIX + bytes.toString('base64url') !== token) throw new InvalidRefreshToken();
    const body = bytes.subarray(0, ID_BYTES + COUNTER_BYTES);
    const signature = bytes.subarray(ID_BYTES + COUNTER_BYTES);
    if (!this.keys.some((key) => timingSafeEqual(mac(key, body), signature))) throw new InvalidRefreshToken();
    return { sessionId: uuidOf(body), counter: body.readUInt32BE(ID_BYTES) };
  }
}

function mac(key: Buffer, body: Buffer): Buffer {
  return createHmac('sha256', key).update('usher refresh token\0').update(body).digest();
}

function uuidOf(bytes: Buffer): string {
  const hex = bytes.toString('hex', 0, ID_BYTES);
  return [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20)].join('-');
}
