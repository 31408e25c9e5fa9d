import { type CachedUser } from '#accounts';
import { Body, Controller, Delete, Get, HttpCode, Post, Put } from '@nestjs/common';
import {
  ApiCreatedResponse,
  ApiNoContentResponse,
  ApiOkResponse,
  ApiOperation,
  ApiTags,
} from '@nestjs/swagger';
import { Audited } from '../../audit-log/audited.js';
import { ApiProblems, Deadline, WithETag, DATABASE_ERRORS } from '#http';
import { RateLimit, REQUEST_LIMITS } from '../../rate-limits/rate-limit.js';
import { AccountsService } from './accounts.service.js';
import {
  ChangePasswordRequest,
  ClosedAccount,
  DeactivateRequest,
  ProfileRequest,
  RegisterRequest,
} from './account.dto.js';
import { profileChanges, UserResponse } from '../profile/profile.js';
import { Public, Scope, UsersOnly } from '../../access/access.js';
import { CurrentSession, CurrentUser } from '../../access/current-user.js';
import { TokenIssuer } from '../sessions/token-issuer.js';
import { AuthenticatedResponse } from '../sessions/session.dto.js';
import { PASSWORD_DEADLINE_MS } from '../passwords/password-hasher.js';
import { Context, type RequestContext } from '../../access/request-context.js';

/** The user's own account, from registration to deactivation. */
@Controller('auth')
export class AccountsController {
  constructor(
    private readonly accounts: AccountsService,
    private readonly issuer: TokenIssuer,
  ) {}

  @Post('register')
  @Public()
  @Audited('account.registered')
  @RateLimit(REQUEST_LIMITS.register)
  @Deadline(PASSWORD_DEADLINE_MS)
  @ApiTags('auth')
  @ApiOperation({ summary: 'Register an account' })
  @ApiCreatedResponse({
    type: AuthenticatedResponse,
    description: 'The account, with tokens for it.',
  })
  @ApiProblems(
    'users.email_taken',
    'users.username_taken',
    'users.phone_taken',
    'request.validation',
    'auth.busy',
    ...DATABASE_ERRORS,
  )
  async register(
    @Body() { email, password, ...profile }: RegisterRequest,
    @Context() context: RequestContext,
  ): Promise<AuthenticatedResponse> {
    return this.issuer.authenticated(
      await this.accounts.register({ ...profileChanges(profile), email, password }, context),
    );
  }

  @Get('me')
  @UsersOnly()
  @Scope('profile:read')
  @WithETag()
  @ApiTags('account')
  @ApiOperation({ summary: 'Get your user' })
  @ApiOkResponse({ type: UserResponse, description: 'The user.' })
  getMe(@CurrentUser() user: CachedUser): UserResponse {
    return UserResponse.of(user);
  }

  @Put('profile')
  @RateLimit(REQUEST_LIMITS.profile)
  @UsersOnly()
  @Audited('account.profile_changed')
  @Scope('profile:write')
  @ApiTags('account')
  @ApiOperation({ summary: 'Update your profile: given fields change, others stay, null clears' })
  @ApiOkResponse({ type: UserResponse, description: 'The updated user.' })
  @ApiProblems('users.username_taken', 'users.phone_taken', 'request.validation')
  async updateProfile(
    @CurrentUser() user: CachedUser,
    @Body() fields: ProfileRequest,
    @Context() context: RequestContext,
  ): Promise<UserResponse> {
    context.audit.changing(fields);
    return UserResponse.of(await this.accounts.changeProfile(user, profileChanges(fields)));
  }

  @Post('change-password')
  @UsersOnly()
  @Audited('account.password_changed')
  @RateLimit(REQUEST_LIMITS.password)
  @HttpCode(204)
  @Deadline(PASSWORD_DEADLINE_MS)
  @ApiTags('account')
  @ApiOperation({ summary: 'Change your password; all other sessions end' })
  @ApiNoContentResponse({
    description: 'The password is changed, and all other sessions have ended.',
  })
  @ApiProblems('auth.wrong_password', 'auth.too_many_attempts', 'request.validation', 'auth.busy')
  async changePassword(
    @CurrentSession() session: { id: string; user: CachedUser },
    @Body() { current_password, new_password }: ChangePasswordRequest,
    @Context() context: RequestContext,
  ): Promise<void> {
    await this.accounts.changePassword(session, current_password, new_password, context);
  }

  @Delete('account')
  @UsersOnly()
  @Audited('account.deactivated')
  @RateLimit(REQUEST_LIMITS.password)
  @HttpCode(200)
  @Deadline(PASSWORD_DEADLINE_MS)
  @ApiTags('account')
  @ApiOperation({
    summary:
      'Deactivate your account and end all sessions; it is deleted later, unless an administrator restores it',
  })
  @ApiOkResponse({ type: ClosedAccount, description: 'The account is deactivated.' })
  @ApiProblems(
    'auth.wrong_password',
    'auth.too_many_attempts',
    'users.last_admin',
    'request.validation',
    'auth.busy',
  )
  async deactivateAccount(
    @CurrentUser() user: CachedUser,
    @Body() { password }: DeactivateRequest,
    @Context() context: RequestContext,
  ): Promise<ClosedAccount> {
    const dueAt = await this.accounts.deactivate(user, password, context);
    return { deletion_due_at: dueAt.toISOString() };
  }
}
