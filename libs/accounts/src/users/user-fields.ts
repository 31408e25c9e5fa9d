import { type Metadata, type MetadataPatch } from './metadata.js';

interface UserField {
  readonly column: string;
  readonly type: keyof CachedTypes;
  readonly nullable?: true;
  /** Users may change it themselves. */
  readonly profile?: true;
}

/**
 * What the service knows about a user. The entity, the cached shape, profile changes and the data export derive from this
 * list. A column that is not listed, such as the password hash, gets into none of the last three.
 */
export const USER_FIELDS = {
  /** UUIDv7, made by the application: sorts by the time of registration. */
  id: { column: 'id', type: 'uuid' },
  email: { column: 'email', type: 'text' },
  emailVerified: { column: 'email_verified', type: 'boolean' },
  username: { column: 'username', type: 'text', nullable: true, profile: true },
  firstName: { column: 'first_name', type: 'text', nullable: true, profile: true },
  lastName: { column: 'last_name', type: 'text', nullable: true, profile: true },
  /** E.164. */
  phone: { column: 'phone', type: 'text', nullable: true, profile: true },
  bio: { column: 'bio', type: 'text', nullable: true, profile: true },
  avatarUrl: { column: 'avatar_url', type: 'text', nullable: true },
  occupation: { column: 'occupation', type: 'text', nullable: true, profile: true },
  location: { column: 'location', type: 'text', nullable: true, profile: true },
  isActive: { column: 'is_active', type: 'boolean' },
  isAdmin: { column: 'is_admin', type: 'boolean' },
  /** Sorted. A trigger keeps `admin` among them exactly when `isAdmin`. */
  roles: { column: 'roles', type: 'text[]' },
  /** Written by administrators and services. */
  appMetadata: { column: 'app_metadata', type: 'jsonb' },
  /** Written by the user, so no right may depend on it. */
  userMetadata: { column: 'user_metadata', type: 'jsonb' },
  createdAt: { column: 'created_at', type: 'timestamptz' },
  /** Kept by a trigger, so that raw SQL moves it too. */
  updatedAt: { column: 'updated_at', type: 'timestamptz' },
} as const satisfies Record<string, UserField>;

type Fields = typeof USER_FIELDS;
type NullOf<F> = F extends { nullable: true } ? null : never;

interface CachedTypes {
  uuid: string;
  text: string;
  boolean: boolean;
  'text[]': readonly string[];
  jsonb: Metadata;
  /** ISO 8601, UTC, milliseconds. */
  timestamptz: string;
}

/**
 * The user as requests and the cache see them: a frozen plain value, selected field by field. It holds no secret.
 */
export type CachedUser = {
  readonly [F in keyof Fields]: CachedTypes[Fields[F]['type']] | NullOf<Fields[F]>;
};

interface ColumnTypes extends Omit<CachedTypes, 'text[]' | 'jsonb' | 'timestamptz'> {
  'text[]': string[];
  jsonb: object;
  timestamptz: Date;
}

/** The listed columns of a row, as TypeORM gives them. */
export type UserFieldValues = {
  [F in keyof Fields]: ColumnTypes[Fields[F]['type']] | NullOf<Fields[F]>;
};

/** What users may change of themselves. `null` clears, absent leaves. */
export type ProfileChanges = {
  [F in keyof Fields as Fields[F] extends { profile: true } ? F : never]?: CachedUser[F];
} & { userMetadata?: MetadataPatch };
