/**
 * The levers and gauges of a running application that no route offers: jobs that otherwise wait for a timer, the clock,
 * and what is held in memory. End-to-end tests use them through here and import nothing of the application.
 */
import { Clock } from '#cache';
import {
  type CachedPersonalToken,
  Outbox,
  PersonalTokenCache,
  PersonalTokenStore,
  CredentialStore,
  UserStore,
} from '#accounts';
import { Readiness } from '#observability';
import { AvatarFiles, DiskStore } from '#storage';
import { AccountDeletionJob } from '../../../apps/identity/src/account-deletion/account-deletion.module.js';
import { AccountDeletionService } from '../../../apps/identity/src/account-deletion/account-deletion.service.js';
import { AuditRetention } from '../../../apps/identity/src/audit-log/audit.module.js';
import { SigningKeys } from '../../../apps/identity/src/auth/signing-keys/signing-keys.js';
import { AvatarSweep } from '../../../apps/identity/src/avatars/avatar-sweep.js';
import { AvatarsService } from '../../../apps/identity/src/avatars/avatars.service.js';
import { AvatarProcessor } from '../../../apps/identity/src/avatars/avatar-processor.js';
import { Uploads } from '../../../apps/identity/src/avatars/uploads.js';
import { type TestApp } from './test-app.js';

/** Runs the job that deletes closed accounts after ACCOUNT_RETENTION. */
export function runAccountDeletionJob({ app }: TestApp): Promise<void> {
  return app.get(AccountDeletionJob, { strict: false }).run();
}

/** Deletes the accounts that are due. @returns how many */
export function deleteDueAccounts({ app }: TestApp): Promise<number> {
  return app.get(AccountDeletionService, { strict: false }).deleteDue();
}

/** Runs the job that removes audit entries after AUDIT_RETENTION. */
export function purgeAuditLog({ app }: TestApp): Promise<void> {
  return app.get(AuditRetention).run();
}

/** Removes links that have expired and count towards no limit. */
export function purgeMails({ app }: TestApp): Promise<unknown> {
  return app.get(Outbox, { strict: false }).purge();
}

/** Removes personal access tokens that have expired. */
export function purgePersonalTokens({ app }: TestApp): Promise<unknown> {
  return app.get(PersonalTokenStore).purge();
}

/** Ends all personal access tokens of a user. @returns how many */
export function endPersonalTokens({ app }: TestApp, userId: string): Promise<number> {
  return app.get(PersonalTokenStore).endAll(userId);
}

/** What the cache holds of a personal access token, and which tier answered. */
export function cachedPersonalToken(
  { app }: TestApp,
  id: string,
): Promise<{ origin: string; value: CachedPersonalToken | null }> {
  return app.get(PersonalTokenCache).byId(id);
}

/** Reads the directory of signing keys now. */
export function refreshSigningKeys({ app }: TestApp): Promise<unknown> {
  return app.get(SigningKeys).refresh();
}

/** Counts from now on how often a signing key is looked up to check a signature. */
export function countSignatureChecks({ app }: TestApp): () => number {
  const keys = app.get(SigningKeys);
  const find = keys.find.bind(keys);
  let checks = 0;
  keys.find = (kid) => {
    checks++;
    return find(kid);
  };
  return () => checks;
}

/** Runs `work` as if so much time had passed. */
export async function later<T>({ app }: TestApp, ms: number, work: () => Promise<T>): Promise<T> {
  const clock = app.get(Clock);
  const now = clock.wallMs.bind(clock);
  clock.wallMs = () => now() + ms;
  try {
    return await work();
  } finally {
    Reflect.deleteProperty(clock, 'wallMs'); // the method of its class again
  }
}

/** Ends readiness, as the first step of a shutdown does. */
export function endReadiness({ app }: TestApp): void {
  app.get(Readiness).end();
}

/** Bytes of uploads that are in memory. */
export function uploadBytesHeld({ app }: TestApp): number {
  return app.get(Uploads).memory.held;
}

/** Keeps the decoder of pictures busy; resolves when it has made an avatar of this one. */
export function decodePicture({ app }: TestApp, picture: Buffer): Promise<unknown> {
  return app.get(AvatarProcessor).make(picture);
}

/** Removes pictures that no profile shows, noted at least so long ago. @returns how many */
export function sweepAvatars({ app }: TestApp, olderThanMs = 0): Promise<number> {
  return app.get(AvatarSweep).sweep(olderThanMs);
}

/**
 * Changes the avatar of a user as an instance does that read the user before `meanwhile`, and crashes after its commit,
 * before it deletes the former picture.
 *
 * @returns the path of the new avatar
 */
export async function changeAvatarAndCrash(
  { app }: TestApp,
  { store, userId, picture }: { store: string; userId: string; picture: Buffer },
  meanwhile: () => Promise<unknown>,
): Promise<string> {
  const users = app.get(UserStore);
  const stale = (await app.get(CredentialStore).find('id', userId))!.user;
  await meanwhile();
  const files = new AvatarFiles(new DiskThatDeletesNothing(store));
  const service = new AvatarsService(users, files, app.get(AvatarProcessor));
  return (await service.change(stale, picture, () => true)).avatarUrl!;
}

class DiskThatDeletesNothing extends DiskStore {
  override delete(): Promise<void> {
    return Promise.reject(new Error('crashed'));
  }
}
