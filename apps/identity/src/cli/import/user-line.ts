import { type ImportedUser } from '#accounts';
import { Transform } from 'class-transformer';
import { MetadataField } from '../../auth/profile/metadata-field.js';
import { ProfileFields, profileChanges } from '../../auth/profile/profile.js';
import { BcryptHash } from '../../auth/passwords/password-hasher.js';
import {
  BooleanField,
  EmailField,
  field,
  InputPipe,
  InstantField,
  InvalidInput,
  isAString,
  parseJsonBody,
  rule,
  stringRule,
  UuidField,
} from '#http';
import { RolesField } from '../../auth/profile/roles-field.js';

function BcryptHashField(): PropertyDecorator {
  return field(
    { description: 'bcrypt.' },
    { type: 'string' },
    isAString,
    stringRule(
      'password_hash',
      'Input should be a bcrypt hash that begins with $2a$, $2b$ or $2y$',
      (text) => BcryptHash.parse(text) !== undefined,
    ),
  );
}

/** PostgreSQL writes microseconds; what is finer than we keep is cut. */
const toTheMillisecond = Transform(({ value }: { value: unknown }) =>
  typeof value === 'string' ? value.replace(/(\.\d{3})\d+(?=[Z+-])/, '$1') : value,
);

const inThePast = rule('datetime_past', 'Input should be between 1970 and now', (value) =>
  value instanceof Date ? value.getTime() >= 0 && value.getTime() <= Date.now() : true,
);

/** What a line may hold. The fields of a registration have its rules. */
class UserLine extends ProfileFields {
  @UuidField({ optional: true })
  id?: string;

  @EmailField()
  email!: string;

  @BooleanField({ description: 'Whether it is known to be theirs.', optional: true })
  email_verified?: boolean;

  @BcryptHashField()
  password_hash!: string;

  @BooleanField({ description: 'Whether they may log in.', optional: true })
  is_active?: boolean;

  @RolesField({ description: 'Their roles.', optional: true })
  roles?: string[];

  @MetadataField({ description: 'What administrators and services keep with them.', optional: true })
  app_metadata?: Record<string, unknown>;

  @toTheMillisecond // the first one transforms first
  @InstantField({ description: 'When they registered.', optional: true })
  @inThePast
  created_at?: Date;
}

const pipe = new InputPipe();

/**
 * A line as a user.
 *
 * @param maxCost of the hash. A costlier one than new ones have would take longer to compare, and tell that the account exists
 * @throws InvalidInput, and what `parseJsonBody` throws
 */
export async function userOf(bytes: Buffer, maxCost: number): Promise<ImportedUser> {
  const value = parseJsonBody(bytes);
  const line = (await pipe.transform(value, { type: 'body', metatype: UserLine })) as UserLine;
  const { cost } = BcryptHash.parse(line.password_hash)!;
  if (cost > maxCost) {
    const msg = `The hash has cost ${cost}, and BCRYPT_COST is ${maxCost}; raise that first`;
    throw new InvalidInput([{ loc: ['body', 'password_hash'], msg, type: 'password_hash_cost' }]);
  }
  refuseUnearned(line);
  return {
    ...profileChanges(line),
    id: line.id,
    email: line.email,
    emailVerified: line.email_verified ?? false,
    passwordHash: line.password_hash,
    isActive: line.is_active ?? true,
    roles: line.roles,
    appMetadata: line.app_metadata,
    createdAt: line.created_at,
  };
}

/**
 * An address that nobody has proven gets no roles. And a role that another system called `admin` may mean something
 * else than the administration of all users here, so no line makes an administrator.
 */
function refuseUnearned({ roles = [], email_verified = false }: UserLine): void {
  if (roles.includes('admin')) {
    const msg = 'Administrators are made by create-admin, one by one';
    throw new InvalidInput([{ loc: ['body', 'roles'], msg, type: 'role_admin' }]);
  }
  if (roles.length > 0 && !email_verified) {
    const msg = 'Roles need an email address that is verified';
    throw new InvalidInput([{ loc: ['body', 'roles'], msg, type: 'email_not_verified' }]);
  }
}
