import { type CachedUser } from '#accounts';
import { Controller, Delete, HttpCode, Param } from '@nestjs/common';
import { ApiNoContentResponse, ApiOperation, ApiTags } from '@nestjs/swagger';
import { Audited } from '../../audit-log/audited.js';
import { ApiProblems, UNAVAILABLE } from '#http';
import { AdminsOnly } from '../../access/access.js';
import { CurrentUser } from '../../access/current-user.js';
import { REQUEST_LIMITS } from '../../rate-limits/limit.js';
import { RateLimit } from '../../rate-limits/rate-limit.js';
import { TwoFactorReset } from './two-factor-reset.js';
import { OwnerPath } from './two-factor-requests.js';

@ApiTags('administration')
@Controller('users')
export class TwoFactorResetController {
  constructor(private readonly lostDevices: TwoFactorReset) {}

  @Delete(':id/second-factor')
  @RateLimit(REQUEST_LIMITS.administration)
  @AdminsOnly()
  @Audited('admin.second_factor_removed')
  @HttpCode(204)
  @ApiOperation({ summary: 'Turn the second factor of a user off, who has lost app and recovery codes' })
  @ApiNoContentResponse({ description: 'Their logins ask for the password alone.' })
  @ApiProblems('users.not_found', 'request.validation', ...UNAVAILABLE)
  async removeUserSecondFactor(@Param() { id }: OwnerPath, @CurrentUser() admin: CachedUser): Promise<void> {
    await this.lostDevices.remove(id, admin);
  }
}
