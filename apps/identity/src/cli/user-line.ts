import { Transform } from 'class-transformer';
import { type ImportedUser } from '#accounts';
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
import { BcryptHash } from '../auth/passwords/password-hasher.js';
import { MetadataField } from '../auth/profile/metadata-field.js';
import { ProfileFields, profileChanges } from '../auth/profile/profile.js';
import { RolesField } from '../auth/profile/roles-field.js';

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

/** PostgreSQL writes microseconds; milliseconds are kept. */
const toTheMillisecond = Transform(({ value }: { value: unknown }) =>
  typeof value === 'string' ? value.replace(/(\.\d{3})\d+(?=[Z+-])/, '$1') : value,
);

const inThePast = rule('datetime_past', 'Input should be between 1970 and now', (value) =>
  value instanceof Date ? value.getTime() >= 0 && value.getTime() <= Date.now() : true,
);

/** The fields of a line. Those of a registration have its rules. */
class UserLine extends ProfileFields {
  @UuidField({ optional: true })
  id?: string;

  @EmailField()
  email!: string;

  @BooleanField({ description: 'Whether the address is verified.', optional: true })
  email_verified?: boolean;

  @BcryptHashField()
  password_hash!: string;

  @BooleanField({ description: 'Whether they may log in.', optional: true })
  is_active?: boolean;

  @RolesField({ description: 'Their roles.', optional: true })
  roles?: string[];

  @MetadataField({ description: 'Data that administrators and services keep with the user.', optional: true })
  app_metadata?: Record<string, unknown>;

  @toTheMillisecond // the first one transforms first
  @InstantField({ description: 'When they registered.', optional: true })
  @inThePast
  created_at?: Date;
}

const pipe = new InputPipe();

/**
 * Reads a line.
 *
 * @param maxCost of the hash. Comparing a costlier hash than new ones takes longer, which reveals that the account exists
 * @throws InvalidInput, and what `parseJsonBody` throws
 */
export async function userOf(bytes: Buffer, maxCost: number): Promise<ImportedUser> {
  const value = parseJsonBody(bytes);
  const line = (await pipe.transform(value, { type: 'body', metatype: UserLine })) as UserLine;
  const { cost } = BcryptHash.parse(line.password_hash)!;
  if (cost > maxCost) {
    const msg = `The hash has cost ${cost}, but BCRYPT_COST is ${maxCost}; raise BCRYPT_COST first`;
    throw new InvalidInput([{ loc: ['body', 'password_hash'], msg, type: 'password_hash_cost' }]);
  }
  refuseUnsafeRoles(line);
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
 * Roles need a verified address. And `admin` of another system may mean less than here, so no line makes an
 * administrator.
 */
function refuseUnsafeRoles({ roles = [], email_verified = false }: UserLine): void {
  if (roles.includes('admin')) {
    const msg = 'Create administrators with create-admin';
    throw new InvalidInput([{ loc: ['body', 'roles'], msg, type: 'role_admin' }]);
  }
  if (roles.length > 0 && !email_verified) {
    const msg = 'Roles need a verified email address';
    throw new InvalidInput([{ loc: ['body', 'roles'], msg, type: 'email_not_verified' }]);
  }
}
