/** Why a token was refused: enough to debug a client, nothing that helps to forge a token. */
export type InvalidTokenReason =
  | 'malformed'
  | 'too long'
  | 'header not accepted'
  | 'unknown key'
  | 'bad signature'
  | 'wrong issuer'
  | 'wrong audience'
  | 'claims not accepted'
  | 'not yet valid'
  | 'lifetime too long'
  | 'expired';

/**
 * The bearer token is not valid. Carries neither the token nor a cause: V8's JSON errors quote what they cannot
 * parse, and would put it into a log.
 */
export class InvalidToken extends Error {
  override readonly name = 'InvalidToken';
  readonly code = 'auth.invalid_token';

  constructor(readonly reason: InvalidTokenReason) {
    super(`The access token is not valid: ${reason}.`);
  }
}
