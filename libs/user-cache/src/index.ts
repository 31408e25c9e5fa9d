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
  SessionStore,
} from './sessions/session-store.js';
export { type UserCacheStatus } from './user-cache-status.js';
export { type ReadOptions, UserCache } from './user-cache.js';
export { UserCacheModule, type UserCacheModuleOptions } from './user-cache.module.js';
export { UserDirectory, type UserSearch } from './user-directory.js';
export {
  EmailTaken,
  LastAdmin,
  PasswordChangedMeanwhile,
  PhoneTaken,
  UserFault,
  UsernameTaken,
  UserNotFound,
} from './user-faults.js';
export {
  type Credentials,
  type NewUser,
  type ProfileChanges,
  type StandingChanges,
  UserStore,
} from './user-store.js';
export { worse } from './worse-origin.js';
