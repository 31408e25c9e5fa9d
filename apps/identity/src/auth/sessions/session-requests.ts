import { TextField, UuidField } from '#http';

export class RefreshRequest {
  @TextField({ max: 256, description: 'The refresh token.', example: 'usher_rt_AZ…' })
  refresh_token!: string;
}

export class SessionPath {
  @UuidField({ description: 'The session.' })
  id!: string;
}
