import { Column, Entity, PrimaryColumn } from 'typeorm';

/** A row of `users`. It stays inside the service: what leaves is a `CachedUser` or a response, never this. */
@Entity({ name: 'users' })
export class UserEntity {
  /** UUIDv7, made by the application: sorts by the time of registration. */
  @PrimaryColumn('uuid')
  id!: string;

  @Column('text')
  email!: string;

  @Column('boolean', { name: 'email_verified' })
  emailVerified!: boolean;

  @Column('text', { nullable: true })
  username!: string | null;

  @Column('text', { name: 'first_name', nullable: true })
  firstName!: string | null;

  @Column('text', { name: 'last_name', nullable: true })
  lastName!: string | null;

  /** E.164. */
  @Column('text', { nullable: true })
  phone!: string | null;

  @Column('text', { nullable: true })
  bio!: string | null;

  @Column('text', { name: 'avatar_url', nullable: true })
  avatarUrl!: string | null;

  @Column('text', { nullable: true })
  occupation!: string | null;

  @Column('text', { nullable: true })
  location!: string | null;

  /** bcrypt. Selected by the login alone, which names it. */
  @Column('text', { name: 'password_hash', select: false })
  passwordHash!: string;

  @Column('boolean', { name: 'is_active' })
  isActive!: boolean;

  @Column('boolean', { name: 'is_admin' })
  isAdmin!: boolean;

  /** With `admin` exactly when `isAdmin`: a trigger keeps them the same. */
  @Column('text', { array: true })
  roles!: string[];

  @Column('jsonb', { name: 'app_metadata' })
  appMetadata!: object;

  @Column('jsonb', { name: 'user_metadata' })
  userMetadata!: object;

  @Column('timestamptz', { name: 'created_at' })
  createdAt!: Date;

  /** Kept by a trigger, so that raw SQL moves it too. */
  @Column('timestamptz', { name: 'updated_at' })
  updatedAt!: Date;
}
