import { AvatarFiles, avatarId, avatarUrl } from '#storage';
import { type CachedUser, UserStore } from '#accounts';
import { Injectable, Logger } from '@nestjs/common';
import { errorLine } from '#runtime';
import { AvatarProcessor } from './picture/avatar-processor.js';

/** The pictures of users, from the bytes they send to the row that says where they are. */
@Injectable()
export class AvatarsService {
  private readonly logger = new Logger('Avatars');

  constructor(
    private readonly store: UserStore,
    private readonly files: AvatarFiles,
    private readonly pictures: AvatarProcessor,
  ) {}

  /**
   * @param isAwaited as for `AvatarProcessor.make`
   * @throws NotAPicture, BrokenPicture, TooManyPixels, AvatarsBusy, StorageUnavailable, UserNotFound
   */
  async change(user: CachedUser, file: Buffer, isAwaited: () => boolean): Promise<CachedUser> {
    const id = await this.files.keep(await this.pictures.make(file, isAwaited));
    return this.#reference(user, id);
  }

  /** @throws StorageUnavailable, UserNotFound */
  async remove(user: CachedUser): Promise<void> {
    await this.#reference(user, null);
  }

  /** In this order, so that a crash at any point leaves no picture that is neither referenced nor noted. */
  async #reference(user: CachedUser, id: string | null): Promise<CachedUser> {
    let former: string | undefined;
    let locked = false;
    try {
      const leaving = avatarId(user.avatarUrl);
      if (leaving) await this.files.note(leaving);
      const changed = await this.store.changeAvatar(user.id, id && avatarUrl(id), async (url) => {
        former = avatarId(url);
        // Another upload was faster. Rare enough to write the note while the row is locked.
        if (former && former !== leaving) await this.files.note(former);
        locked = true;
      });
      await this.#tidy(id && this.files.settle(id), former && this.files.discard(former));
      return changed;
    } catch (error) {
      // A failure after the lock may have come after the commit as well: only the sweep can tell.
      if (!locked) await this.#tidy(id && this.files.discard(id));
      throw error;
    }
  }

  /** Best effort: what fails is noted, and the sweep does it later. */
  async #tidy(...work: (Promise<void> | '' | null | undefined)[]): Promise<void> {
    for (const result of await Promise.allSettled(work.filter((each) => each instanceof Promise))) {
      if (result.status === 'rejected')
        this.logger.warn(`a picture is left to the sweep: ${errorLine(result.reason)}`);
    }
  }
}
