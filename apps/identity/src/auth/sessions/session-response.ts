import { type SessionDetails } from '#accounts';
import { ApiProperty, ApiSchema } from '@nestjs/swagger';

@ApiSchema({ name: 'Session' })
export class SessionResponse {
  @ApiProperty({ type: 'string', format: 'uuid' })
  id!: string;

  @ApiProperty({ type: 'boolean', description: 'Whether it is the one that asks.' })
  current!: boolean;

  @ApiProperty({
    type: 'string',
    nullable: true,
    description: 'What the client said it is.',
    example: 'Mozilla/5.0 …',
  })
  device!: string | null;

  @ApiProperty({
    type: 'string',
    nullable: true,
    description: 'Where it logged in from.',
    example: '192.0.2.7',
  })
  address!: string | null;

  @ApiProperty({ type: 'string', format: 'date-time' })
  created_at!: string;

  @ApiProperty({ type: 'string', format: 'date-time', description: 'When it was last refreshed.' })
  last_used_at!: string;

  @ApiProperty({ type: 'string', format: 'date-time', description: 'When it ends unless it is refreshed.' })
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
