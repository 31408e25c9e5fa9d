import { type CachedUser } from '#accounts';
import { Body, Controller, HttpCode, Post } from '@nestjs/common';
import { ApiAcceptedResponse, ApiNoContentResponse, ApiOperation, ApiTags } from '@nestjs/swagger';
import { Audited } from '../../audit-log/audited.js';
import { ApiProblems, Deadline, DATABASE_ERRORS } from '#http';
import { RateLimit, REQUEST_LIMITS } from '../../rate-limits/rate-limit.js';
import { Public, UsersOnly } from '../../access/access.js';
import { CurrentUser } from '../../access/current-user.js';
import { ChangeEmailRequest, EmailRequest, LinkRequest, ResetPasswordRequest } from './email-action.dto.js';
import { Context, type RequestContext } from '../../access/request-context.js';
import { PASSWORD_DEADLINE_MS } from '../passwords/password-hasher.js';
import { EmailActionsService } from './email-actions.service.js';

const ALWAYS = 'The same response whether or not the account exists. If it does, a mail is on its way.';
const ONCE = 'The link works once.';

@ApiTags('account')
@Controller('auth')
export class EmailActionsController {
  constructor(private readonly emailActions: EmailActionsService) {}

  @Post('resend-verification')
  @Public()
  @Audited('account.verification_asked')
  @RateLimit(REQUEST_LIMITS.mail)
  @HttpCode(202)
  @ApiOperation({
    summary: 'Resend the mail that verifies an address',
    description: 'At most one mail a minute and five an hour, with the same link.',
  })
  @ApiAcceptedResponse({ description: ALWAYS })
  @ApiProblems('request.validation', ...DATABASE_ERRORS)
  async resendVerification(
    @Body() { email }: EmailRequest,
    @Context() context: RequestContext,
  ): Promise<void> {
    await this.emailActions.request('verify_email', email, context);
  }

  @Post('verify-email')
  @Public()
  @Audited('account.email_verified')
  @RateLimit(REQUEST_LIMITS.link)
  @HttpCode(204)
  @ApiOperation({ summary: 'Verify an address with a mailed link', description: ONCE })
  @ApiNoContentResponse({ description: 'The address is verified.' })
  @ApiProblems('auth.invalid_link', 'auth.already_verified', 'request.validation', ...DATABASE_ERRORS)
  async verifyEmail(@Body() { token }: LinkRequest, @Context() context: RequestContext): Promise<void> {
    await this.emailActions.verifyEmail(token, context);
  }

  @Post('forgot-password')
  @Public()
  @Audited('account.password_reset_asked')
  @RateLimit(REQUEST_LIMITS.mail)
  @HttpCode(202)
  @ApiOperation({
    summary: 'Request a mail with a link that resets the password',
    description: 'At most one mail a minute and five an hour.',
  })
  @ApiAcceptedResponse({ description: ALWAYS })
  @ApiProblems('request.validation', ...DATABASE_ERRORS)
  async forgotPassword(@Body() { email }: EmailRequest, @Context() context: RequestContext): Promise<void> {
    await this.emailActions.request('reset_password', email, context);
  }

  @Post('reset-password')
  @Public()
  @Audited('account.password_reset')
  @RateLimit(REQUEST_LIMITS.link)
  @HttpCode(204)
  @Deadline(PASSWORD_DEADLINE_MS)
  @ApiOperation({
    summary: 'Set a new password with a mailed link; every session ends',
    description: `${ONCE} A refused password does not use it up.`,
  })
  @ApiNoContentResponse({ description: 'The password is set, and all sessions have ended.' })
  @ApiProblems('auth.invalid_link', 'request.validation', 'auth.busy', ...DATABASE_ERRORS)
  async resetPassword(
    @Body() { token, new_password }: ResetPasswordRequest,
    @Context() context: RequestContext,
  ): Promise<void> {
    await this.emailActions.resetPassword(token, new_password, context);
  }

  @Post('change-email')
  @UsersOnly()
  @Audited('account.email_change_asked')
  @RateLimit(REQUEST_LIMITS.password)
  @HttpCode(202)
  @Deadline(PASSWORD_DEADLINE_MS)
  @ApiOperation({
    summary: 'Change the email address: a link goes to the new one, a notice to the old one',
    description: 'At most one mail a minute and five an hour.',
  })
  @ApiAcceptedResponse({ description: 'The address changes when the link in the mail is used.' })
  @ApiProblems('auth.wrong_password', 'auth.too_many_attempts', 'request.validation', 'auth.busy')
  async changeEmail(
    @CurrentUser() user: CachedUser,
    @Body() { new_email, password }: ChangeEmailRequest,
    @Context() context: RequestContext,
  ): Promise<void> {
    await this.emailActions.requestEmailChange(user, new_email, password, context);
  }

  @Post('confirm-email')
  @Public()
  @Audited('account.email_changed')
  @RateLimit(REQUEST_LIMITS.link)
  @HttpCode(204)
  @ApiOperation({ summary: 'Confirm a new address with a mailed link', description: ONCE })
  @ApiNoContentResponse({ description: 'The address is changed and verified.' })
  @ApiProblems('auth.invalid_link', 'users.email_taken', 'request.validation', ...DATABASE_ERRORS)
  async confirmEmail(@Body() { token }: LinkRequest, @Context() context: RequestContext): Promise<void> {
    await this.emailActions.confirmEmail(token, context);
  }
}
