import { type ProfileChanges } from '#accounts';
import { PhoneField, TextField, UsernameField } from '#http';
import { MetadataField } from './metadata-field.js';

const changeable = { optional: true, nullable: true };

/** What people say about themselves. `null` clears a field, an absent one stays as it is. */
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
      'JSON of their own: given members change, others stay, null removes one. 4096 bytes at most. They write it themselves, ' +
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
