import { TextField, UuidField } from '#http';
import { type SessionDetails } from '#accounts';
import { ApiProperty, ApiSchema } from '@nestjs/swagger';
import { UserResponse } from '../profile/profile.js';

export class RefreshRequest {
  @TextField({ max: 256, description: 'The refresh token.', example: 'usher_rt_AZ…' })
  refresh_token!: string;
}

export class SessionPath {
  @UuidField({ description: 'The session.' })
  id!: string;
}

@ApiSchema({ name: 'Session' })
export class SessionResponse {
  @ApiProperty({ type: 'string', format: 'uuid' })
  id!: string;

  @ApiProperty({ type: 'boolean', description: 'Whether it is the session of this request.' })
  current!: boolean;

  @ApiProperty({
    type: 'string',
    nullable: true,
    description: 'The `User-Agent` at login.',
    example: 'Mozilla/5.0 …',
  })
  device!: string | null;

  @ApiProperty({
    type: 'string',
    nullable: true,
    description: 'The IP address at login.',
    example: '192.0.2.7',
  })
  address!: string | null;

  @ApiProperty({ type: 'string', format: 'date-time' })
  created_at!: string;

  @ApiProperty({ type: 'string', format: 'date-time', description: 'When it was last refreshed.' })
  last_used_at!: string;

  @ApiProperty({ type: 'string', format: 'date-time', description: 'When it ends, unless refreshed.' })
  expires_at!: string;

  static of(session: SessionDetails, currentId: string): SessionResponse {
    return {
      id: session.id,
      current: session.id === currentId,
      device: session.device,
      address: session.address,
      created_at: session.createdAt.toISOString(),
      last_used_at: session.lastUsedAt.toISOString(),
      expires_at: session.expiresAt.toISOString(),
    };
  }
}

@ApiSchema({ name: 'Sessions' })
export class SessionList {
  @ApiProperty({ type: [SessionResponse], description: 'Newest first.' })
  items!: SessionResponse[];
}

/** RFC 6749, section 5.1. */
@ApiSchema({ name: 'Token' })
export class TokenResponse {
  @ApiProperty({
    type: 'string',
    description: 'Send it as `Authorization: Bearer …`.',
    example: 'eyJhbGciOiJFUzI1NiIs…',
  })
  access_token!: string;

  @ApiProperty({ type: 'string', enum: ['bearer'], example: 'bearer' })
  token_type!: 'bearer';

  @ApiProperty({ type: 'integer', description: 'Seconds.', example: 900 })
  expires_in!: number;

  @ApiProperty({
    type: 'string',
    description: 'Send it to `POST /auth/refresh`. Each works once.',
    example: 'usher_rt_AZ…',
  })
  refresh_token!: string;

  @ApiProperty({ type: 'integer', description: 'Seconds.', example: 604_800 })
  refresh_expires_in!: number;
}

@ApiSchema({ name: 'Authenticated' })
export class AuthenticatedResponse extends TokenResponse {
  @ApiProperty({ type: UserResponse })
  user!: UserResponse;
}
