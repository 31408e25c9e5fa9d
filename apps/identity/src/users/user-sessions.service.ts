import { type SessionDetails, SessionStore, UserCache, UserNotFound } from '#accounts';
import { Injectable } from '@nestjs/common';

/** Sessions of any user, for administrators. */
@Injectable()
export class UserSessionsService {
  constructor(
    private readonly cache: UserCache,
    private readonly store: SessionStore,
  ) {}

  /** @throws UserNotFound */
  async list(userId: string): Promise<SessionDetails[]> {
    await this.#refuseUnknown(userId);
    return this.store.list(userId);
  }

  /** @throws UserNotFound */
  async endAll(userId: string): Promise<void> {
    await this.#refuseUnknown(userId);
    await this.store.endAll(userId);
  }

  async #refuseUnknown(userId: string): Promise<void> {
    const { value } = await this.cache.byId(userId);
    if (!value) throw new UserNotFound();
  }
}
