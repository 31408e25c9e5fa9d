import { Controller, Delete, HttpCode, Param } from '@nestjs/common';
import { ApiNoContentResponse, ApiOperation, ApiTags } from '@nestjs/swagger';
import { Audited } from '../audit-log/audited.js';
import { AdminsOnly } from '../access/access.js';
import { ApiProblems } from '#http';
import { RateLimit, REQUEST_LIMITS } from '../rate-limits/rate-limit.js';
import { UserPath } from '../users/user.dto.js';
import { AccountDeletionService } from './account-deletion.service.js';

@ApiTags('administration')
@Controller('users')
export class AccountDeletionController {
  constructor(private readonly accountDeletion: AccountDeletionService) {}

  @Delete(':id')
  @RateLimit(REQUEST_LIMITS.administration)
  @AdminsOnly()
  @HttpCode(204)
  @Audited('admin.user_deleted')
  @ApiOperation({
    summary: 'Permanently delete a deactivated user',
    description: 'Deletes the user and all their data at once. This cannot be undone.',
  })
  @ApiNoContentResponse({
    description: 'The user is deleted; their email, username and phone are free.',
  })
  @ApiProblems('users.not_found', 'users.still_active', 'request.validation', 'storage.unavailable')
  async deleteUser(@Param() { id }: UserPath): Promise<void> {
    await this.accountDeletion.delete(id);
  }
}
