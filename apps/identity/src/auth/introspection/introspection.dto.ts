import { field, isAString, stringRule, TextField, UnknownFieldsIgnored } from '#http';
import { ApiProperty, ApiSchema } from '@nestjs/swagger';

/** RFC 7662, section 2.1, and RFC 7009, section 2.1, are the same. */
@UnknownFieldsIgnored()
export class PresentedTokenRequest {
  // Any text: a malformed token is not the service's mistake.
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
    description: 'Ignored: the form of the token tells its kind.',
    example: 'access_token',
  })
  token_type_hint?: string;
}

const claim = (description: string, example: string): PropertyDecorator =>
  ApiProperty({ type: 'string', required: false, description, example });

const time = (description: string): PropertyDecorator =>
  ApiProperty({
    type: 'integer',
    required: false,
    description: `${description} Seconds since 1970.`,
    example: 1_780_000_000,
  });

/** RFC 7662, section 2.2. An inactive token has no other member. */
@ApiSchema({ name: 'Introspection' })
export class IntrospectionResponse {
  @ApiProperty({ type: 'boolean', description: 'Whether the token is good now.' })
  active!: boolean;

  @ApiProperty({
    type: 'string',
    required: false,
    enum: ['access_token', 'refresh_token', 'personal_access_token'],
    description: 'The kind of token. Never accept a refresh token in a request.',
  })
  token_use?: 'access_token' | 'refresh_token' | 'personal_access_token';

  @ApiProperty({
    type: 'string',
    required: false,
    enum: ['Bearer'],
    description: 'For tokens sent as `Authorization: Bearer …`.',
  })
  token_type?: 'Bearer';

  @claim(
    'The scopes of a personal access token. Access tokens have all the rights of their user.',
    'profile:read',
  )
  scope?: string;

  @claim('The id of the user.', '0197a3c4-5d6e-7f80-9a1b-2c3d4e5f6071')
  sub?: string;

  @claim('The username, or the email address of a user without one.', 'ada')
  username?: string;

  @ApiProperty({
    type: [String],
    required: false,
    description:
      'The roles of the user, as they are now. Roles add nothing to a personal access token: only its scopes count.',
    example: ['editor'],
  })
  roles?: readonly string[];

  @ApiProperty({
    type: 'boolean',
    required: false,
    description: 'Whether the user has verified the email address.',
  })
  email_verified?: boolean;

  @claim('The issuer.', 'usher')
  iss?: string;

  @claim('The audience of an access token.', 'usher')
  aud?: string;

  @time('When it expires, unless it ends earlier.')
  exp?: number;

  @time('When it was issued. Absent for a refresh token that has just been replaced.')
  iat?: number;

  @claim('The id of the access token or personal access token.', '0b6d9c52-8a0f-4a3e-9f0e-2f8f0c1d7e64')
  jti?: string;

  @claim(
    'The session of an access or refresh token, which ends with it.',
    '0197a3c4-5d6e-7f80-9a1b-2c3d4e5f6072',
  )
  sid?: string;
}
