import { AvatarFiles, avatarUrl } from '#storage';
import { UserStore } from '#accounts';
import { Injectable } from '@nestjs/common';
import { PeriodicJob } from '#database';

/** Far longer than any upload takes: an older note belongs to an upload that failed. */
const HOUR_MS = 3_600_000;

/** Keeps or deletes the pictures that a crash, or a failure of database or disk, left undecided. */
@Injectable()
export class AvatarSweep extends PeriodicJob {
  constructor(
    private readonly files: AvatarFiles,
    private readonly store: UserStore,
  ) {
    super(HOUR_MS);
  }

  async run(): Promise<void> {
    await this.sweep(HOUR_MS);
  }

  /**
   * Decides about the pictures noted at least that many milliseconds ago: those that a row references stay. Several
   * instances may run it at the same time.
   *
   * @returns how many pictures were deleted
   * @throws StorageUnavailable, DatabaseUnavailable, DatabaseTimeout
   */
  async sweep(pendingForMs: number): Promise<number> {
    const ids = await this.files.pendingFor(pendingForMs);
    if (ids.length === 0) return 0;
    const inUse = new Set(await this.store.avatarsInUse(ids.map(avatarUrl)));
    let deleted = 0;
    for (const id of ids) {
      if (inUse.has(avatarUrl(id))) await this.files.settle(id);
      else {
        await this.files.discard(id);
        deleted++;
      }
    }
    if (deleted > 0) this.logger.log(`deleted ${deleted} unused pictures`);
    return deleted;
  }
}
