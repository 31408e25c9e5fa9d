export { AccountsModule, type AccountsModuleOptions } from './accounts.module.js';
export {
  AUDIT_ACTIONS,
  type AuditAction,
  type AuditActor,
  type AuditEntry,
  auditEntry,
  type AuditEvent,
  ownEvent,
  SUCCESS,
} from './audit-log/audit-entry.js';
export { AuditLogStore } from './audit-log/audit-log-store.js';
export { type Credentials, CredentialStore } from './credentials/credential-store.js';
export { type DataExport, DataExports } from './data-export/data-exports.js';
export { exportSources } from './data-export/export-sources.js';
export { EmailActionStore } from './email-actions/email-action-store.js';
export {
  AlreadyVerified,
  isLink,
  type LinkPurpose,
  type MailPurpose,
  newLinkToken,
} from './email-actions/email-action.js';
export { Outbox, type OutgoingMail } from './email-actions/outbox.js';
export { type CachedPersonalToken, PersonalTokenCache } from './personal-tokens/personal-token-cache.js';
export {
  type Comparison,
  type Creation,
  MAX_PERSONAL_TOKENS,
  type NewPersonalToken,
  type PersonalTokenDetails,
  PersonalTokenStore,
} from './personal-tokens/personal-token-store.js';
export { accountsSchema } from './schema.js';
export { type CachedSession, SessionCache } from './sessions/session-cache.js';
export {
  type LiveSession,
  type NewSession,
  type Refresh,
  type SessionDetails,
  type SessionLimits,
  type SessionStanding,
  SessionStore,
} from './sessions/session-store.js';
export { type TwoFactorStatus, TwoFactorStore } from './two-factor/two-factor-store.js';
export {
  buildSearchIndexes,
  INDEXING_SQL,
  PREFIXED_SQL,
  SEARCHED_TEXT_SQL,
  type SearchIndexing,
} from './user-search/search-indexes.js';
export { UserDirectory, type UserPage, type UserSearch } from './user-search/user-directory.js';
export { alias, type AliasKind, canonical } from './users/alias.js';
export { type CachedUser } from './users/cached-user.js';
export { type Metadata, metadataError, type MetadataPatch } from './users/metadata.js';
export { type ReadOptions, UserCache } from './users/user-cache.js';
export {
  EmailNotVerified,
  EmailTaken,
  IdTaken,
  LastAdmin,
  MetadataTooLarge,
  PasswordChangedMeanwhile,
  PhoneTaken,
  StillActive,
  UserError,
  UsernameTaken,
  UserNotFound,
} from './users/user-errors.js';
export { type ProfileChanges } from './users/user-fields.js';
export {
  type ImportedUser,
  type ImportOptions,
  type ImportOutcome,
  UserImporter,
} from './users/user-importer.js';
export { UserRemoval } from './users/user-removal.js';
export { type NewUser, type StandingChanges, type StandingOptions, UserStore } from './users/user-store.js';
export { type InTransaction } from './users/user-writer.js';
