import { Controller, Delete, Get, HttpCode, Param } from '@nestjs/common';
import { ApiNoContentResponse, ApiOkResponse, ApiOperation, ApiTags } from '@nestjs/swagger';
import { Audited } from '../audit-log/audited.js';
import { AdminsOnly } from '../access/access.js';
import { CurrentSession } from '../access/current-user.js';
import { SessionList, SessionResponse } from '../auth/sessions/session.dto.js';
import { ApiProblems } from '#http';
import { RateLimit, REQUEST_LIMITS } from '../rate-limits/rate-limit.js';
import { UserPath } from './user.dto.js';
import { UserSessionsService } from './user-sessions.service.js';

@ApiTags('administration')
@Controller('users/:id/sessions')
export class UserSessionsController {
  constructor(private readonly sessions: UserSessionsService) {}

  @Get()
  @AdminsOnly()
  @ApiOperation({ summary: 'List the sessions of a user' })
  @ApiOkResponse({ type: SessionList, description: 'All open sessions.' })
  @ApiProblems('users.not_found', 'request.validation')
  async listUserSessions(
    @Param() { id }: UserPath,
    @CurrentSession() current: { id: string },
  ): Promise<SessionList> {
    const sessions = await this.sessions.list(id);
    return { items: sessions.map((session) => SessionResponse.of(session, current.id)) };
  }

  @Delete()
  @RateLimit(REQUEST_LIMITS.administration)
  @AdminsOnly()
  @HttpCode(204)
  @Audited('admin.sessions_ended')
  @ApiOperation({ summary: 'End all sessions of a user, who can log in again' })
  @ApiNoContentResponse({ description: 'The sessions and their tokens have ended.' })
  @ApiProblems('users.not_found', 'request.validation')
  async endUserSessions(@Param() { id }: UserPath): Promise<void> {
    await this.sessions.endAll(id);
  }
}
