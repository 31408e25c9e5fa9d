import { TextField } from '../../http/fields/text-field.js';
import { UuidField } from '../../http/fields/uuid-field.js';

export class RefreshRequest {
  @TextField({ max: 256, description: 'The refresh token.', example: 'usher_rt_AZ…' })
  refresh_token!: string;
}

export class SessionPath {
  @UuidField({ description: 'The session.' })
  id!: string;
}
