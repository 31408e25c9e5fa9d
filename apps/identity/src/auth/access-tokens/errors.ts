/** Why a token was refused: enough for a developer to find the fault, nothing that helps to forge one. */
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
 * The bearer token proves nothing. Carries neither the token nor a cause: V8's JSON errors quote what they
 * could not parse, and that would end in a log.
 */
export class InvalidToken extends Error {
  override readonly name = 'InvalidToken';
  readonly code = 'auth.invalid_token';

  constructor(readonly reason: InvalidTokenReason) {
    super(`The access token is not valid: ${reason}.`);
  }
}
