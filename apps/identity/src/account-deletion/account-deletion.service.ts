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

/** In one statement, so that it ends in time. */
const BATCH = 50;

/**
 * Deletes accounts for good, with their pictures. What else hangs on a user goes with the row, by its foreign key; the
 * audit log keeps what happened, and forgets where from.
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
   * All those whose time has come. Instances may do so at once.
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
      // Where others hold the rest, it is theirs.
      if (due.length < BATCH || gone.length === 0) return deleted;
    }
  }

  /**
   * Before the row goes, so that a crash at any point leaves no address behind, and no picture that is neither referenced
   * nor noted. Should the account be restored at this very moment, it has lost where it was used from, and nothing else.
   */
  async #prepare({ id, avatarUrl }: Pick<CachedUser, 'id' | 'avatarUrl'>): Promise<void> {
    const picture = avatarId(avatarUrl);
    if (picture) await this.files.note(picture);
    await this.log.forget(id);
  }

  /** That a deletion was not recorded does not undo it. */
  async #record(gone: readonly CachedUser[]): Promise<void> {
    const entries = gone.map(({ id }) => auditEntry(ownEvent('system', 'account.deleted', id)));
    await this.log.insert(entries).catch((error: unknown) => {
      const ids = gone.map(({ id }) => id).join(', ');
      this.logger.warn(`audit entries not written, of the deletion of ${ids}: ${errorLine(error)}`);
    });
  }

  /** Best effort: it is noted, and the sweep does it later. */
  async #discard({ avatarUrl }: CachedUser): Promise<void> {
    const picture = avatarId(avatarUrl);
    if (!picture) return;
    await this.files.discard(picture).catch((error: unknown) => {
      this.logger.warn(`a picture is left to the sweep: ${errorLine(error)}`);
    });
  }
}
