import { type PersonalTokenDetails } from '#accounts';
import { ApiProperty, ApiSchema } from '@nestjs/swagger';
import { SCOPES } from '../../access/scopes.js';

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
