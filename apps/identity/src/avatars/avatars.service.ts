import { AvatarFiles, avatarId, avatarUrl } from '#storage';
import { type CachedUser, UserStore } from '#accounts';
import { Injectable, Logger } from '@nestjs/common';
import { errorLine } from '#runtime';
import { AvatarProcessor } from './avatar-processor.js';

/** Avatars of users, from the uploaded bytes to the row with their address. */
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

  /** In this order, so that after a crash at any point every picture is referenced or noted. */
  async #reference(user: CachedUser, id: string | null): Promise<CachedUser> {
    let former: string | undefined;
    let locked = false;
    try {
      const leaving = avatarId(user.avatarUrl);
      if (leaving) await this.files.note(leaving);
      const changed = await this.store.changeAvatar(user.id, id && avatarUrl(id), async (url) => {
        former = avatarId(url);
        // Another upload was faster. This is rare, so the note may be written while the row is locked.
        if (former && former !== leaving) await this.files.note(former);
        locked = true;
      });
      await this.#tidy(id && this.files.settle(id), former && this.files.discard(former));
      return changed;
    } catch (error) {
      // After the lock the commit may have succeeded: only the sweep can tell.
      if (!locked) await this.#tidy(id && this.files.discard(id));
      throw error;
    }
  }

  /** Best effort: the notes stay for what fails, and the sweep does it later. */
  async #tidy(...work: (Promise<void> | '' | null | undefined)[]): Promise<void> {
    for (const result of await Promise.allSettled(work.filter((each) => each instanceof Promise))) {
      if (result.status === 'rejected')
        this.logger.warn(`a picture is left to the sweep: ${errorLine(result.reason)}`);
    }
  }
}
