import { field, IntegerField, rule, TextField, UuidField } from '#http';
import { GivenPasswordField } from '../passwords/password-field.js';
import { isScope, type ScopeName, SCOPES } from '../../access/scopes.js';
import { type PersonalTokenDetails } from '#accounts';
import { ApiProperty, ApiSchema } from '@nestjs/swagger';

const MOST = SCOPES.length;

/** One or more scopes, each once. */
export function ScopesField(): PropertyDecorator {
  return field(
    { description: 'What the token is for.', example: ['profile:read'] },
    {
      type: 'array',
      items: { type: 'string', enum: [...SCOPES] },
      minItems: 1,
      maxItems: MOST,
      uniqueItems: true,
    },
    rule('list_type', 'Input should be a list', Array.isArray),
    listRule('list_too_short', 'Input should have at least 1 item', (list) => list.length >= 1),
    listRule('list_too_long', `Input should have at most ${MOST} items`, (list) => list.length <= MOST),
    listRule('enum', `Every item should be one of ${SCOPES.join(', ')}`, (list) => list.every(isScope)),
    listRule(
      'duplicate_item',
      'Every item should be given once',
      (list) => new Set(list).size === list.length,
    ),
  );
}

function listRule(type: string, msg: string, holds: (list: unknown[]) => boolean): PropertyDecorator {
  return rule(type, msg, (value) => !Array.isArray(value) || holds(value as unknown[]));
}

export class PersonalTokenRequest {
  @TextField({ min: 1, max: 100, description: 'What the token is for.', example: 'nightly backup' })
  name!: string;

  @ScopesField()
  scopes!: ScopeName[];

  @IntegerField({
    min: 1,
    max: 366,
    optional: true,
    description: 'Days until it expires; 30 unless given.',
    example: 30,
  })
  expires_in_days?: number;

  // The password is required because a stolen access token lasts minutes, and this token up to a year.
  @GivenPasswordField({ description: 'The current password, to confirm.' })
  password!: string;
}

export class PersonalTokenPath {
  @UuidField({ description: 'The personal access token.' })
  id!: string;
}

@ApiSchema({ name: 'PersonalToken' })
export class PersonalTokenResponse {
  @ApiProperty({ type: 'string', format: 'uuid' })
  id!: string;

  @ApiProperty({ type: 'string', example: 'nightly backup' })
  name!: string;

  @ApiProperty({ type: 'array', items: { type: 'string', enum: [...SCOPES] }, example: ['profile:read'] })
  scopes!: string[];

  @ApiProperty({ type: 'string', format: 'date-time' })
  created_at!: string;

  @ApiProperty({ type: 'string', format: 'date-time' })
  expires_at!: string;

  @ApiProperty({ type: 'string', format: 'date-time', nullable: true, description: 'To the minute.' })
  last_used_at!: string | null;

  static of(token: PersonalTokenDetails): PersonalTokenResponse {
    return {
      id: token.id,
      name: token.name,
      scopes: [...token.scopes],
      created_at: token.createdAt.toISOString(),
      expires_at: token.expiresAt.toISOString(),
      last_used_at: token.lastUsedAt?.toISOString() ?? null,
    };
  }
}

@ApiSchema({ name: 'NewPersonalToken' })
export class NewPersonalTokenResponse extends PersonalTokenResponse {
  @ApiProperty({
    type: 'string',
    description: 'Send it as `Authorization: Bearer …`. It is not shown again.',
    example: 'usher_pat_AZ…',
  })
  token!: string;
}

@ApiSchema({ name: 'PersonalTokens' })
export class PersonalTokenList {
  @ApiProperty({ type: [PersonalTokenResponse], description: 'Newest first.' })
  items!: PersonalTokenResponse[];
}
