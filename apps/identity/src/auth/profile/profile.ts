import { type CachedUser, type Metadata, type ProfileChanges } from '#accounts';
import { PhoneField, TextField } from '#http';
import { UsernameField } from './username-field.js';
import { MetadataField } from './metadata-field.js';
import { ApiProperty, ApiSchema } from '@nestjs/swagger';

const changeable = { optional: true, nullable: true };

/** The fields that users write themselves. `null` clears a field; absent fields stay. */
export class ProfileFields {
  @UsernameField(changeable)
  username?: string | null;

  @TextField({ ...changeable, max: 100, description: 'Given name.', example: 'Ada' })
  first_name?: string | null;

  @TextField({ ...changeable, max: 100, description: 'Family name.', example: 'Lovelace' })
  last_name?: string | null;

  @PhoneField(changeable)
  phone?: string | null;

  @TextField({
    ...changeable,
    max: 1_000,
    multiline: true,
    description: 'About the person.',
    example: 'Wrote the first program.',
  })
  bio?: string | null;

  @TextField({ ...changeable, max: 100, description: 'What they do.', example: 'Mathematician' })
  occupation?: string | null;

  @TextField({ ...changeable, max: 100, description: 'Where they are.', example: 'London' })
  location?: string | null;

  @MetadataField({
    optional: true,
    description:
      'JSON of the user: given members change, others stay, null removes one. 4096 bytes at most. They write it themselves, ' +
      'so base no right on it.',
  })
  user_metadata?: Record<string, unknown>;
}

export function profileChanges(fields: ProfileFields): ProfileChanges {
  return {
    username: fields.username,
    firstName: fields.first_name,
    lastName: fields.last_name,
    phone: fields.phone,
    bio: fields.bio,
    occupation: fields.occupation,
    location: fields.location,
    userMetadata: fields.user_metadata,
  };
}

const text = (description: string, example: string): PropertyDecorator =>
  ApiProperty({ type: 'string', nullable: true, description, example });

const metadata = (description: string, example: Metadata): PropertyDecorator =>
  ApiProperty({ type: 'object', additionalProperties: true, description, example });

/** The user as shown to themselves and to administrators. */
@ApiSchema({ name: 'User' })
export class UserResponse {
  @ApiProperty({ type: 'string', format: 'uuid', example: '0197a3c4-5d6e-7f80-9a1b-2c3d4e5f6071' })
  id!: string;

  @ApiProperty({ type: 'string', format: 'email', example: 'ada@example.com' })
  email!: string;

  @ApiProperty({ type: 'boolean', example: false })
  email_verified!: boolean;

  @text('Unique without regard to case.', 'ada')
  username!: string | null;

  @text('Given name.', 'Ada')
  first_name!: string | null;

  @text('Family name.', 'Lovelace')
  last_name!: string | null;

  @text('E.164.', '+442071838750')
  phone!: string | null;

  @text('About the person.', 'Wrote the first program.')
  bio!: string | null;

  @text('Where the picture is.', '/avatars/0123456789abcdef0123456789abcdef-512.webp')
  avatar_url!: string | null;

  @text('What they do.', 'Mathematician')
  occupation!: string | null;

  @text('Where they are.', 'London')
  location!: string | null;

  @ApiProperty({ type: 'boolean', example: true })
  is_active!: boolean;

  @ApiProperty({ type: 'boolean', example: false })
  is_admin!: boolean;

  @ApiProperty({
    type: [String],
    example: ['editor'],
    description: 'Given by administrators. `admin` is among them exactly when `is_admin`.',
  })
  roles!: readonly string[];

  @metadata('Kept by administrators and services.', { plan: 'pro' })
  app_metadata!: Metadata;

  @metadata('Kept by the user: base no right on it.', { theme: 'dark' })
  user_metadata!: Metadata;

  @ApiProperty({ type: 'string', format: 'date-time', example: '2026-01-31T12:00:00.000Z' })
  created_at!: string;

  @ApiProperty({ type: 'string', format: 'date-time', example: '2026-01-31T12:00:00.000Z' })
  updated_at!: string;

  static of(user: CachedUser): UserResponse {
    return {
      id: user.id,
      email: user.email,
      email_verified: user.emailVerified,
      username: user.username,
      first_name: user.firstName,
      last_name: user.lastName,
      phone: user.phone,
      bio: user.bio,
      avatar_url: user.avatarUrl,
      occupation: user.occupation,
      location: user.location,
      is_active: user.isActive,
      is_admin: user.isAdmin,
      roles: user.roles,
      app_metadata: user.appMetadata,
      user_metadata: user.userMetadata,
      created_at: user.createdAt,
      updated_at: user.updatedAt,
    };
  }
}
