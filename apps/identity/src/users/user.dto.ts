import { MetadataField } from '../auth/profile/metadata-field.js';
import {
  BooleanField,
  cursorAfter,
  CursorField,
  EmailField,
  PageSizeField,
  PhoneField,
  QueryBooleanField,
  TextField,
  UuidField,
  UuidListField,
} from '#http';
import { UsernameField } from '../auth/profile/username-field.js';
import { RolesField } from '../auth/profile/roles-field.js';
import { type UserPage as DirectoryPage } from '#accounts';
import { ApiProperty, ApiSchema } from '@nestjs/swagger';
import { UserResponse } from '../auth/profile/profile.js';

export class UserPath {
  @UuidField({ description: 'The id of the user.' })
  id!: string;
}

export class UsernamePath {
  @UsernameField()
  username!: string;
}

/** Exactly one of the three. */
export class LookupQuery {
  @EmailField({ optional: true })
  email?: string;

  @PhoneField({ optional: true })
  phone?: string;

  @UsernameField({ optional: true })
  username?: string;
}

export class LookupRequest {
  @UuidListField({ max: 100 })
  ids!: string[];
}

export class SearchQuery {
  @TextField({
    optional: true,
    min: 1,
    max: 100,
    description:
      'Found anywhere in email, username, names and phone, without regard to case; one or two letters, and servers without ' +
      'pg_trgm, find what begins with it. Text with characters before `@` (`ada@exam`) finds only email addresses that begin with it, ' +
      'and `+` with 7 digits or more only phone numbers; `@example.com` is text like any other.',
    example: 'ada',
  })
  q?: string;

  @QueryBooleanField({ optional: true, description: 'Only active, or only deactivated users.' })
  is_active?: boolean;

  @QueryBooleanField({ optional: true, description: 'Only administrators, or only others.' })
  is_admin?: boolean;

  @PageSizeField('Users', 20)
  limit?: number;

  @CursorField()
  cursor?: string;
}

function AppMetadataField({ optional = false } = {}): PropertyDecorator {
  return MetadataField({
    optional,
    description:
      'JSON that administrators and services keep with the user: given members change, others stay, null removes one. 4096 bytes at most.',
    example: { plan: 'pro', tenant: 'acme' },
  });
}

/** What services may change about a user. */
export class AppMetadataRequest {
  @AppMetadataField()
  app_metadata!: Record<string, unknown>;
}

/** What administrators may change about any user. */
export class StandingRequest {
  @BooleanField({ optional: true, description: 'Deactivating also ends all tokens permanently.' })
  is_active?: boolean;

  @BooleanField({
    optional: true,
    description:
      'Grant or revoke the rights of an administrator. Granting ends all sessions and personal access tokens of the user.',
  })
  is_admin?: boolean;

  @RolesField({
    optional: true,
    description:
      'The complete list of roles. `admin` is the same as `is_admin`; the meaning of other roles is up to your services.',
  })
  roles?: string[];

  @AppMetadataField({ optional: true })
  app_metadata?: Record<string, unknown>;

  @BooleanField({
    optional: true,
    description:
      'Grant roles even if the email address is not verified, because you know whose account it is.',
  })
  trust_unverified?: boolean;
}

@ApiSchema({ name: 'UserPage', description: 'Newest first.' })
export class UserPage {
  @ApiProperty({ type: [UserResponse] })
  items!: UserResponse[];

  @ApiProperty({
    type: 'string',
    nullable: true,
    description:
      'The cursor of the next page; null on the last page. A page may have fewer users than requested, even none, without being the last.',
  })
  next_cursor!: string | null;

  static of({ users, next }: DirectoryPage): UserPage {
    return {
      items: users.map((user) => UserResponse.of(user)),
      next_cursor: next === undefined ? null : cursorAfter(next),
    };
  }
}

@ApiSchema({ name: 'FoundUsers' })
export class FoundUsers {
  @ApiProperty({ type: [UserResponse], description: 'In the order asked for, each once.' })
  items!: UserResponse[];

  @ApiProperty({ type: [String], format: 'uuid', description: 'The ids without a user.' })
  missing!: string[];
}
