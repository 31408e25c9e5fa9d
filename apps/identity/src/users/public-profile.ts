import { type CachedUser, type Metadata } from '#accounts';
import { ApiProperty, ApiSchema, PickType } from '@nestjs/swagger';
import { type Principal, isAdmin } from '../access/principal.js';
import { UserResponse } from '../auth/profile/profile.js';

const metadata = (): PropertyDecorator =>
  ApiProperty({
    type: 'object',
    additionalProperties: true,
    selfRequired: false,
    description: 'Only for the user and administrators.',
  });

/** What every user may see of another. A field that is not listed is for the user and for administrators. */
const PUBLIC = [
  'id',
  'username',
  'first_name',
  'last_name',
  'bio',
  'avatar_url',
  'occupation',
  'location',
  'created_at',
] as const;

@ApiSchema({ name: 'PublicProfile' })
export class PublicProfile extends PickType(UserResponse, PUBLIC) {
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
    const all = UserResponse.of(user);
    const open = Object.fromEntries(PUBLIC.map((name) => [name, all[name]])) as unknown as PublicProfile;
    if (!seesAll(viewer, user)) return open;
    const { email, phone, roles, app_metadata, user_metadata } = all;
    return { ...open, email, phone, roles, app_metadata, user_metadata };
  }
}

/** Whether the viewer may see all fields: the user and administrators may. */
export function seesAll(viewer: Principal | undefined, user: CachedUser): boolean {
  return isAdmin(viewer) || (viewer?.kind === 'user' && viewer.user.id === user.id);
}
