import { ApiProperty, ApiSchema } from '@nestjs/swagger';
import { UserResponse } from '../profile/profile.js';

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
    description: 'Send it to `POST /auth/refresh`; each is good for one refresh.',
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
