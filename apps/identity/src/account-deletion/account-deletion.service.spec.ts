import {
  type AuditEntry,
  type AuditLogStore,
  type CachedUser,
  StillActive,
  UserNotFound,
  type UserRemoval,
} from '#accounts';
import { type AvatarFiles } from '#storage';
import { beforeEach, describe, expect, it } from '@jest/globals';
import { Logger } from '@nestjs/common';
import { ADA, aUser, FakeUserCache } from '../../test/fake-accounts.js';
import { AccountDeletionService } from './account-deletion.service.js';

const PICTURE = '0123456789abcdef0123456789abcdef';
const AVATAR_URL = `/avatars/${PICTURE}-512.webp`;

describe('AccountDeletionService', () => {
  let cache: FakeUserCache;
  /** Everything that was done, in order. */
  let steps: string[];
  let due: CachedUser[];
  let heldElsewhere: number;
  let failing: string | undefined;
  let service: AccountDeletionService;

  const step = <T>(name: string, result?: T): Promise<T> => {
    steps.push(name);
    return name.startsWith(`${failing} `)
      ? Promise.reject(new Error('refused'))
      : Promise.resolve(result as T);
  };

  beforeEach(() => {
    Logger.overrideLogger(false);
    cache = new FakeUserCache();
    steps = [];
    due = [];
    heldElsewhere = 0;
    failing = undefined;
    const removal = {
      delete: (id: string) => step(`delete ${id}`, cache.rows.get(id)),
      due: (limit: number) => Promise.resolve(due.slice(0, limit)),
      deleteDue: (ids: readonly string[]) => {
        const gone = due.filter(({ id }) => ids.includes(id)).slice(heldElsewhere);
        due = due.filter((user) => !gone.includes(user));
        return step(`delete ${gone.length}`, gone);
      },
    } as unknown as UserRemoval;
    const files = {
      note: (id: string) => step(`note ${id}`),
      discard: (id: string) => step(`discard ${id}`),
    } as unknown as AvatarFiles;
    const log = {
      forget: (id: string) => step(`forget ${id}`),
      insert: (entries: readonly AuditEntry[]) =>
        step(`record ${entries.map(({ action, userId }) => `${action} ${userId}`).join()}`),
    } as unknown as AuditLogStore;
    service = new AccountDeletionService(removal, cache.cache, files, log);
  });

  const closed = (i: number, avatarUrl: string | null = null): CachedUser =>
    aUser({ id: `user ${i}`, isActive: false, avatarUrl });

  it('AccountDeletionService.delete() notes the picture and forgets addresses before the row goes, and discards the picture after', async () => {
    cache.put(aUser({ isActive: false, avatarUrl: AVATAR_URL }));
    await service.delete(ADA);
    expect(steps).toEqual([`note ${PICTURE}`, `forget ${ADA}`, `delete ${ADA}`, `discard ${PICTURE}`]);
    expect(cache.reads).toEqual([{ id: ADA, truth: true }]);
  });

  it('AccountDeletionService.delete() refuses active and unknown users and touches nothing', async () => {
    await expect(service.delete(ADA)).rejects.toThrow(UserNotFound);
    cache.put(aUser());
    await expect(service.delete(ADA)).rejects.toThrow(StillActive);
    expect(steps).toEqual([]);
  });

  it('AccountDeletionService.delete() keeps the row when the picture cannot be noted', async () => {
    cache.put(aUser({ isActive: false, avatarUrl: AVATAR_URL }));
    failing = 'note';
    await expect(service.delete(ADA)).rejects.toThrow('refused');
    expect(steps).toEqual([`note ${PICTURE}`]);
  });

  it('AccountDeletionService.deleteDue() prepares, deletes, records and discards', async () => {
    due = [closed(1, AVATAR_URL), closed(2)];
    expect(await service.deleteDue()).toBe(2);
    expect(steps).toEqual([
      `note ${PICTURE}`,
      'forget user 1',
      'forget user 2',
      'delete 2',
      'record account.deleted user 1,account.deleted user 2',
      `discard ${PICTURE}`,
    ]);
  });

  it.each(['record', 'discard'])(
    'AccountDeletionService.deleteDue() goes on when it cannot %s',
    async (name) => {
      due = [closed(1, AVATAR_URL)];
      failing = name;
      expect(await service.deleteDue()).toBe(1);
      expect(steps.at(-1)).toBe(`discard ${PICTURE}`);
    },
  );

  it('AccountDeletionService.deleteDue() goes on batch by batch until none is due', async () => {
    due = Array.from({ length: 120 }, (_, i) => closed(i));
    expect(await service.deleteDue()).toBe(120);
    expect(steps.filter((name) => name.startsWith('delete'))).toEqual([
      'delete 50',
      'delete 50',
      'delete 20',
    ]);
  });

  it('AccountDeletionService.deleteDue() stops when other instances hold the rest', async () => {
    due = Array.from({ length: 60 }, (_, i) => closed(i));
    heldElsewhere = 50;
    expect(await service.deleteDue()).toBe(0);
    expect(steps.filter((name) => name.startsWith('delete'))).toEqual(['delete 0']);
  });
});
