import { type CachedUser, UserCache, UserNotFound } from '#accounts';
import { Injectable } from '@nestjs/common';
import { Forbidden } from '../../access/access-errors.js';
import { TwoFactorCodes } from './two-factor-codes.js';

/** What an administrator does for users who have neither app nor recovery codes any more. */
@Injectable()
export class TwoFactorReset {
  constructor(
    private readonly users: UserCache,
    private readonly factors: TwoFactorCodes,
  ) {}

  /**
   * Whether or not they had a second factor. Not of the administrator who asks: a stolen token would be enough to get rid
   * of what is there against stolen passwords.
   *
   * @throws UserNotFound, Forbidden
   */
  async remove(userId: string, admin: CachedUser): Promise<void> {
    if (userId === admin.id) throw new Forbidden('Remove your own second factor with password and code.');
    const { value: user } = await this.users.byId(userId, { truth: true });
    if (!user) throw new UserNotFound();
    await this.factors.remove(userId);
  }
}
