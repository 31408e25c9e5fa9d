import { type CachedUser, UserCache, UserNotFound } from '#accounts';
import { Controller, Delete, HttpCode, Injectable, Param } from '@nestjs/common';
import { ApiNoContentResponse, ApiOperation, ApiTags } from '@nestjs/swagger';
import { Audited } from '../../audit-log/audited.js';
import { ApiProblems, DATABASE_ERRORS } from '#http';
import { AdminsOnly } from '../../access/access.js';
import { CurrentUser } from '../../access/current-user.js';
import { RateLimit, REQUEST_LIMITS } from '../../rate-limits/rate-limit.js';
import { OwnerPath } from './two-factor.dto.js';
import { Forbidden } from '../../access/access-errors.js';
import { TwoFactorCodes } from './two-factor-codes.js';

/** Lets administrators help users who have lost both the app and the recovery codes. */
@Injectable()
export class TwoFactorReset {
  constructor(
    private readonly users: UserCache,
    private readonly twoFactorCodes: TwoFactorCodes,
  ) {}

  /**
   * Does nothing without a second factor. Refused for the administrator's own: with a stolen token alone one could
   * remove the protection against stolen passwords.
   *
   * @throws UserNotFound, Forbidden
   */
  async remove(userId: string, admin: CachedUser): Promise<void> {
    if (userId === admin.id) throw new Forbidden('Remove your own second factor with password and code.');
    const { value: user } = await this.users.byId(userId, { truth: true });
    if (!user) throw new UserNotFound();
    await this.twoFactorCodes.remove(userId);
  }
}

@ApiTags('administration')
@Controller('users')
export class TwoFactorResetController {
  constructor(private readonly twoFactorReset: TwoFactorReset) {}

  @Delete(':id/second-factor')
  @RateLimit(REQUEST_LIMITS.administration)
  @AdminsOnly()
  @Audited('admin.second_factor_removed')
  @HttpCode(204)
  @ApiOperation({
    summary: 'Turn off the second factor of a user who has lost the app and the recovery codes',
  })
  @ApiNoContentResponse({ description: 'Their logins ask only for the password.' })
  @ApiProblems('users.not_found', 'request.validation', ...DATABASE_ERRORS)
  async removeUserSecondFactor(@Param() { id }: OwnerPath, @CurrentUser() admin: CachedUser): Promise<void> {
    await this.twoFactorReset.remove(id, admin);
  }
}
