import { type CachedUser, type Metadata } from '#accounts';
import { ApiProperty, ApiSchema, OmitType } from '@nestjs/swagger';
import { type Principal, isAdmin } from '../access/principal.js';
import { UserResponse } from '../auth/profile/profile.js';

const metadata = (): PropertyDecorator =>
  ApiProperty({
    type: 'object',
    additionalProperties: true,
    selfRequired: false,
    description: 'Only for the user and administrators.',
  });

/** Email, phone, roles and metadata are for the user and for administrators. */
@ApiSchema({ name: 'PublicProfile' })
export class PublicProfile extends OmitType(UserResponse, [
  'email',
  'email_verified',
  'phone',
  'is_active',
  'is_admin',
  'roles',
  'app_metadata',
  'user_metadata',
  'updated_at',
] as const) {
  @ApiProperty({
    type: 'string',
    format: 'email',
    required: false,
    description: 'Only for the user and administrators.',
  })
  email?: string;

  @ApiProperty({
    type: 'string',
    nullable: true,
    required: false,
    description: 'Only for the user and administrators.',
  })
  phone?: string | null;

  @ApiProperty({ type: [String], required: false, description: 'Only for the user and administrators.' })
  roles?: readonly string[];

  @metadata()
  app_metadata?: Metadata;

  @metadata()
  user_metadata?: Metadata;

  static of(user: CachedUser, viewer: Principal | undefined): PublicProfile {
    const {
      id,
      username,
      first_name,
      last_name,
      bio,
      avatar_url,
      occupation,
      location,
      created_at,
      email,
      phone,
      roles,
      app_metadata,
      user_metadata,
    } = UserResponse.of(user);
    const open = { id, username, first_name, last_name, bio, avatar_url, occupation, location, created_at };
    return seesAll(viewer, user) ? { ...open, email, phone, roles, app_metadata, user_metadata } : open;
  }
}

/** Whether the viewer may see all fields: the user and administrators may. */
export function seesAll(viewer: Principal | undefined, user: CachedUser): boolean {
  return isAdmin(viewer) || (viewer?.kind === 'user' && viewer.user.id === user.id);
}
