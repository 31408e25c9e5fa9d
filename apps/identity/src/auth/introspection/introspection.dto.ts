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
    description: 'Ignored: what a token is can be seen.',
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
  @ApiProperty({ type: 'boolean', description: 'Whether the token is good for something now.' })
  active!: boolean;

  @ApiProperty({
    type: 'string',
    required: false,
    enum: ['access_token', 'refresh_token', 'personal_access_token'],
    description: 'What it is. A refresh token opens nothing: accept it nowhere.',
  })
  token_use?: 'access_token' | 'refresh_token' | 'personal_access_token';

  @ApiProperty({
    type: 'string',
    required: false,
    enum: ['Bearer'],
    description: 'Of what is sent as `Authorization: Bearer …`.',
  })
  token_type?: 'Bearer';

  @claim(
    'What a personal access token is for. Access tokens are for all that their user may do.',
    'profile:read',
  )
  scope?: string;

  @claim('The id of the user.', '0197a3c4-5d6e-7f80-9a1b-2c3d4e5f6071')
  sub?: string;

  @claim('The username, or the email address of who has none.', 'ada')
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
    description: 'Whether the user has shown to read the mails of their address.',
  })
  email_verified?: boolean;

  @claim('Who made it.', 'usher')
  iss?: string;

  @claim('Of access tokens: whom it is for.', 'usher')
  aud?: string;

  @time('When it expires, unless it is ended before.')
  exp?: number;

  @time('When it was made. Not told of a refresh token that has just been replaced.')
  iat?: number;

  @claim('The id of the access token or personal access token.', '0b6d9c52-8a0f-4a3e-9f0e-2f8f0c1d7e64')
  jti?: string;

  @claim(
    'Of access and refresh tokens: the session that it ends with.',
    '0197a3c4-5d6e-7f80-9a1b-2c3d4e5f6072',
  )
  sid?: string;
}
