import { createHmac, timingSafeEqual } from 'node:crypto';
import { TokenText, uuidBytes, uuidOf } from '#crypto';
import { InvalidRefreshToken } from './errors.js';

const ID_BYTES = 16;
const COUNTER_BYTES = 4;
const MAC_BYTES = 32;
const TEXT = new TokenText('usher_rt_', ID_BYTES + COUNTER_BYTES + MAC_BYTES);

export interface RefreshClaims {
  /** UUID, lower case. */
  readonly sessionId: string;
  /** The number of the token within its session, from 0. */
  readonly counter: number;
}

/**
 * Refresh tokens: session, number and an HMAC-SHA256 of both. Nothing is stored, and yet the current token can be
 * made again for a client that lost the response.
 */
export class RefreshTokens {
  /** @param keys newest first; the first issues tokens, all verify them */
  constructor(private readonly keys: readonly [Buffer, ...Buffer[]]) {}

  issue({ sessionId, counter }: RefreshClaims): string {
    const number = Buffer.alloc(COUNTER_BYTES);
    number.writeUInt32BE(counter);
    const body = Buffer.concat([uuidBytes(sessionId), number]);
    return TEXT.write(body, mac(this.keys[0], body));
  }

  /**
   * Checks that the token is ours. Only the session knows whether it is still good.
   *
   * @throws InvalidRefreshToken
   */
  verify(token: string): RefreshClaims {
    const bytes = TEXT.read(token);
    if (!bytes) throw new InvalidRefreshToken();
    const body = bytes.subarray(0, ID_BYTES + COUNTER_BYTES);
    const signature = bytes.subarray(ID_BYTES + COUNTER_BYTES);
    if (!this.keys.some((key) => timingSafeEqual(mac(key, body), signature))) throw new InvalidRefreshToken();
    return { sessionId: uuidOf(body), counter: body.readUInt32BE(ID_BYTES) };
  }
}

function mac(key: Buffer, body: Buffer): Buffer {
  return createHmac('sha256', key).update('usher refresh token\0').update(body).digest();
}
