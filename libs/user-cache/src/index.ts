export { type AliasKind } from './alias.js';
export { type CachedUser } from './cached-user.js';
export { type UserCacheStatus } from './user-cache-status.js';
export { type ReadOptions, UserCache, type UserCacheOptions } from './user-cache.js';
export { UserCacheModule } from './user-cache.module.js';
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
