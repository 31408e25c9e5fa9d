import { AvatarFiles, avatarId } from '#storage';
import {
  auditEntry,
  AuditLogStore,
  type CachedUser,
  ownEvent,
  StillActive,
  UserCache,
  UserNotFound,
  UserRemoval,
} from '#accounts';
import { Injectable, Logger } from '@nestjs/common';
import { errorLine } from '#runtime';

/** Accounts per statement, so that it finishes in time. */
const BATCH = 50;

/**
 * Deletes accounts permanently, with their pictures. Other data goes with the row, by foreign keys. The audit log
 * keeps the events but drops addresses and devices.
 */
@Injectable()
export class AccountDeletionService {
  private readonly logger = new Logger('AccountDeletion');

  constructor(
    private readonly removal: UserRemoval,
    private readonly cache: UserCache,
    private readonly files: AvatarFiles,
    private readonly log: AuditLogStore,
  ) {}

  /** @throws UserNotFound, StillActive, StorageUnavailable */
  async delete(id: string): Promise<void> {
    const { value: user } = await this.cache.byId(id, { truth: true });
    if (!user) throw new UserNotFound();
    if (user.isActive) throw new StillActive();
    await this.#prepare(user);
    await this.#discard(await this.removal.delete(id));
  }

  /**
   * Deletes all accounts that are due. Instances may run this concurrently.
   *
   * @returns how many it deleted
   * @throws StorageUnavailable, DatabaseUnavailable, DatabaseTimeout
   */
  async deleteDue(): Promise<number> {
    let deleted = 0;
    for (;;) {
      const due = await this.removal.due(BATCH);
      for (const user of due) await this.#prepare(user);
      const gone = await this.removal.deleteDue(due.map(({ id }) => id));
      await this.#record(gone);
      await Promise.all(gone.map((user) => this.#discard(user)));
      deleted += gone.length;
      // Other instances hold the rest, and delete it.
      if (due.length < BATCH || gone.length === 0) return deleted;
    }
  }

  /**
   * Runs before the row is deleted, so that a crash at any point leaves no address behind, and no picture that is
   * neither referenced nor noted. If the account is restored at this moment, only its addresses and devices are lost.
   */
  async #prepare({ id, avatarUrl }: Pick<CachedUser, 'id' | 'avatarUrl'>): Promise<void> {
    const picture = avatarId(avatarUrl);
    if (picture) await this.files.note(picture);
    await this.log.forget(id);
  }

  /** A missing audit entry does not undo the deletion. */
  async #record(gone: readonly CachedUser[]): Promise<void> {
    const entries = gone.map(({ id }) => auditEntry(ownEvent('system', 'account.deleted', id)));
    await this.log.insert(entries).catch((error: unknown) => {
      const ids = gone.map(({ id }) => id).join(', ');
      this.logger.warn(`audit entries not written, of the deletion of ${ids}: ${errorLine(error)}`);
    });
  }

  /** Best effort: the picture is noted, so the sweep deletes it later. */
  async #discard({ avatarUrl }: CachedUser): Promise<void> {
    const picture = avatarId(avatarUrl);
    if (!picture) return;
    await this.files.discard(picture).catch((error: unknown) => {
      this.logger.warn(`a picture is left to the sweep: ${errorLine(error)}`);
    });
  }
}
