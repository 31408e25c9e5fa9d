import { field, isAString, stringRule, TextField, UnknownFieldsIgnored } from '#http';

/** RFC 7662, section 2.1, and RFC 7009, section 2.1, which are the same. */
@UnknownFieldsIgnored()
export class PresentedTokenRequest {
  // Any text at all: what cannot be a token is no fault of whoever asks about it.
  @field(
    { description: 'An access token, a refresh token or a personal access token.', example: 'eyJhbGciOi…' },
    { type: 'string' },
    isAString,
    // A parameter without a value counts as omitted (RFC 6749, section 3.1).
    stringRule('missing', 'Field required', (text) => text !== ''),
  )
  token!: string;

  @TextField({
    max: 100_000,
    optional: true,
    description: 'Ignored: what a token is can be seen.',
    example: 'access_token',
  })
  token_type_hint?: string;
}
