export { type AliasKind } from './alias.js';
export { type CachedUser } from './cached-user.js';
export { Coherence, type CoherenceOptions } from './coherence.js';
export { type CachedSession } from './sessions/cached-session.js';
export { SessionCache } from './sessions/session-cache.js';
export {
  type LiveSession,
  type NewSession,
  type Refresh,
  type SessionDetails,
  type SessionLimits,
  type SessionStanding,
  SessionStore,
} from './sessions/session-store.js';
export { type CachedPersonalToken } from './personal-tokens/cached-personal-token.js';
export { PersonalTokenCache } from './personal-tokens/personal-token-cache.js';
export {
  type Comparison,
  type Creation,
  MAX_PERSONAL_TOKENS,
  type NewPersonalToken,
  type PersonalTokenDetails,
  PersonalTokenStore,
} from './personal-tokens/personal-token-store.js';
export { type UserCacheStatus } from './user-cache-status.js';
export { type ReadOptions, UserCache } from './user-cache.js';
export { UserCacheModule, type UserCacheModuleOptions } from './user-cache.module.js';
export { type Metadata, metadataFault, type MetadataPatch } from './metadata.js';
export { UserDirectory, type UserPage, type UserSearch } from './user-directory.js';
export {
  EmailNotVerified,
  EmailTaken,
  IdTaken,
  LastAdmin,
  MetadataTooLarge,
  PasswordChangedMeanwhile,
  PhoneTaken,
  StillActive,
  UserFault,
  UsernameTaken,
  UserNotFound,
} from './user-faults.js';
export {
  type Alongside,
  type Credentials,
  type NewUser,
  type ProfileChanges,
  type StandingChanges,
  type StandingOptions,
  UserStore,
} from './user-store.js';
export { type ImportedUser, type ImportOptions, type ImportOutcome, UserImporter } from './user-importer.js';
export { accountsSchema } from './schema.js';
export { UserRemoval } from './user-removal.js';
export { worse } from './worse-origin.js';
