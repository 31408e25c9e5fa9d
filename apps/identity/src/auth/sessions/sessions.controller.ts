import { type CachedUser } from '#accounts';
import { Body, Controller, Delete, Get, HttpCode, Param, Post } from '@nestjs/common';
import { ApiNoContentResponse, ApiOkResponse, ApiOperation, ApiTags } from '@nestjs/swagger';
import { Audited } from '../../audit-log/audited.js';
import { ApiProblems, DATABASE_ERRORS } from '#http';
import { Public, TokenHoldersOnly, UsersOnly } from '../../access/access.js';
import { CurrentClaims, CurrentSession, CurrentUser } from '../../access/current-user.js';
import { TokenIssuer } from './token-issuer.js';
import { RefreshRequest, SessionList, SessionPath, SessionResponse, TokenResponse } from './session.dto.js';
import { type AccessClaims } from '../../access/principal.js';
import { RateLimit, REQUEST_LIMITS } from '../../rate-limits/rate-limit.js';
import { Context, type RequestContext } from '../../access/request-context.js';
import { SessionsService } from './sessions.service.js';

@Controller('auth')
export class SessionsController {
  constructor(
    private readonly sessions: SessionsService,
    private readonly issuer: TokenIssuer,
  ) {}

  @Post('refresh')
  @RateLimit(REQUEST_LIMITS.anyone)
  @Public()
  @Audited('session.refreshed')
  @HttpCode(200)
  @ApiTags('auth')
  @ApiOperation({ summary: 'Exchange a refresh token for new tokens' })
  @ApiOkResponse({
    type: TokenResponse,
    description: 'New tokens. A repeated refresh within ten seconds returns the same refresh token.',
  })
  @ApiProblems('auth.invalid_refresh_token', 'request.validation', ...DATABASE_ERRORS)
  async refreshSession(
    @Body() { refresh_token }: RefreshRequest,
    @Context() context: RequestContext,
  ): Promise<TokenResponse> {
    return this.issuer.token(await this.sessions.refresh(refresh_token, context));
  }

  @Post('logout')
  @RateLimit(REQUEST_LIMITS.ending)
  @Audited('session.ended')
  @TokenHoldersOnly()
  @HttpCode(204)
  @ApiTags('auth')
  @ApiOperation({ summary: 'End the session of the token; repeating it is harmless' })
  @ApiNoContentResponse({ description: 'The session and its tokens have ended.' })
  @ApiProblems(...DATABASE_ERRORS)
  async logout(@CurrentClaims() { sessionId, userId }: AccessClaims): Promise<void> {
    await this.sessions.end(sessionId, userId);
  }

  @Post('logout-all')
  @RateLimit(REQUEST_LIMITS.ending)
  @Audited('session.all_ended')
  @TokenHoldersOnly()
  @HttpCode(204)
  @ApiTags('auth')
  @ApiOperation({ summary: 'End all your sessions, including this one' })
  @ApiNoContentResponse({ description: 'The sessions and their tokens have ended.' })
  @ApiProblems(...DATABASE_ERRORS)
  async logoutAll(@CurrentClaims() { sessionId, userId }: AccessClaims): Promise<void> {
    await this.sessions.endAllFrom(sessionId, userId);
  }

  @Get('sessions')
  @UsersOnly()
  @ApiTags('sessions')
  @ApiOperation({ summary: 'List your sessions' })
  @ApiOkResponse({ type: SessionList, description: 'All open sessions.' })
  async listSessions(@CurrentSession() current: { id: string; user: CachedUser }): Promise<SessionList> {
    const sessions = await this.sessions.list(current.user.id);
    return { items: sessions.map((session) => SessionResponse.of(session, current.id)) };
  }

  @Delete('sessions/:id')
  @RateLimit(REQUEST_LIMITS.ending)
  @Audited('session.ended')
  @UsersOnly()
  @HttpCode(204)
  @ApiTags('sessions')
  @ApiOperation({ summary: 'End one of your sessions' })
  @ApiNoContentResponse({ description: 'The session and its tokens have ended.' })
  @ApiProblems('auth.session_not_found', 'request.validation')
  async endSession(
    @CurrentUser() user: CachedUser,
    @Param() { id }: SessionPath,
    @Context() context: RequestContext,
  ): Promise<void> {
    context.audit.about(user.id, id);
    await this.sessions.revoke(id, user.id);
  }
}
