import { AuditLogStore, type CachedUser } from '#accounts';
import { Controller, Get, Query } from '@nestjs/common';
import { ApiOkResponse, ApiOperation, ApiTags } from '@nestjs/swagger';
import { AdminsOnly, Scope, UsersOnly } from '../access/access.js';
import { CurrentUser } from '../access/current-user.js';
import { ApiProblems, idFromCursor, DATABASE_ERRORS } from '#http';
import { RateLimit, REQUEST_LIMITS } from '../rate-limits/rate-limit.js';
import { ActivityPage, ActivityQuery, AuditLogQuery, AuditPage } from './audit.dto.js';
import { Audited } from './audited.js';

const PAGE_SIZE = 50;

@Controller()
export class AuditController {
  constructor(private readonly log: AuditLogStore) {}

  @Get('audit-log')
  @RateLimit(REQUEST_LIMITS.administration)
  @AdminsOnly()
  @Audited('admin.audit_log_read')
  @Scope('audit:read')
  @ApiTags('administration')
  @ApiOperation({ summary: 'List the audit log, newest first' })
  @ApiOkResponse({ type: AuditPage, description: 'A page of entries.' })
  @ApiProblems('request.validation', ...DATABASE_ERRORS)
  async searchAuditLog(
    @Query() { limit = PAGE_SIZE, cursor, user_id, actor_id, ...rest }: AuditLogQuery,
  ): Promise<AuditPage> {
    const search = { ...rest, userId: user_id, actorId: actor_id, before: cursor && idFromCursor(cursor) };
    return AuditPage.of(await this.log.search({ ...search, limit: limit + 1 }), limit);
  }

  @Get('auth/activity')
  @UsersOnly()
  @ApiTags('account')
  @ApiOperation({ summary: 'List recent activity of your account, newest first' })
  @ApiOkResponse({ type: ActivityPage, description: 'A page of entries.' })
  @ApiProblems('request.validation', ...DATABASE_ERRORS)
  async listActivity(
    @CurrentUser() { id }: CachedUser,
    @Query() { limit = PAGE_SIZE, cursor }: ActivityQuery,
  ): Promise<ActivityPage> {
    const before = cursor && idFromCursor(cursor);
    return ActivityPage.of(await this.log.search({ userId: id, before, limit: limit + 1 }), limit);
  }
}
