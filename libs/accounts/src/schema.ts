import { type Schema } from '#database';
import { AuditLogEntity } from './audit-log/audit-log.entity.js';
import { MailedLinkEntity } from './email-actions/mailed-link.entity.js';
import { PersonalTokenEntity } from './personal-tokens/personal-token.entity.js';
import { SessionEntity } from './sessions/session.entity.js';
import { RecoveryCodeEntity, SecondFactorEntity } from './two-factor/two-factor.entities.js';
import { UserEntity } from './users/user.entity.js';
import { CreateUsers1763600000000 } from './migrations/1763600000000-create-users.js';
import { CreateChangeLog1763600000001 } from './migrations/1763600000001-create-change-log.js';
import { WatchTheTriggers1763600000002 } from './migrations/1763600000002-watch-the-triggers.js';
import { CreateSessions1763600000003 } from './migrations/1763600000003-create-sessions.js';
import { CreateAuditLog1763600000004 } from './migrations/1763600000004-create-audit-log.js';
import { CreateMailedLinks1763600000005 } from './migrations/1763600000005-create-mailed-links.js';
import { DeleteForGood1763600000008 } from './migrations/1763600000008-delete-for-good.js';
import { CreatePersonalAccessTokens1763600000006 } from './migrations/1763600000006-create-personal-access-tokens.js';
import { CreateSecondFactors1763600000007 } from './migrations/1763600000007-create-second-factors.js';
import { AddRolesAndMetadata1763600000009 } from './migrations/1763600000009-add-roles-and-metadata.js';
import { NameAdministrators1763600000010 } from './migrations/1763600000010-name-administrators.js';
import { WatchTheLogItself1763600000011 } from './migrations/1763600000011-watch-the-log-itself.js';

/** The tables of accounts and of the change log. The change log has no entities: `libs/change-log` reads it by hand. */
export const accountsSchema: Schema = {
  entities: [
    UserEntity,
    SessionEntity,
    PersonalTokenEntity,
    SecondFactorEntity,
    RecoveryCodeEntity,
    MailedLinkEntity,
    AuditLogEntity,
  ],
  migrations: [
    CreateUsers1763600000000,
    CreateChangeLog1763600000001,
    WatchTheTriggers1763600000002,
    CreateSessions1763600000003,
    CreateAuditLog1763600000004,
    CreateMailedLinks1763600000005,
    CreatePersonalAccessTokens1763600000006,
    CreateSecondFactors1763600000007,
    DeleteForGood1763600000008,
    AddRolesAndMetadata1763600000009,
    NameAdministrators1763600000010,
    WatchTheLogItself1763600000011,
  ],
};
