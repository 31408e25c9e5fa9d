import { type CachedUser } from '#accounts';
import { Body, Controller, Delete, Get, HttpCode, Post } from '@nestjs/common';
import {
  ApiCreatedResponse,
  ApiNoContentResponse,
  ApiOkResponse,
  ApiOperation,
  ApiTags,
} from '@nestjs/swagger';
import { Audited } from '../../audit-log/audited.js';
import { ApiProblems, Deadline, DATABASE_ERRORS } from '#http';
import { RateLimit, REQUEST_LIMITS } from '../../rate-limits/rate-limit.js';
import { UsersOnly } from '../../access/access.js';
import { CurrentUser } from '../../access/current-user.js';
import { TwoFactorEnrolment } from './two-factor-enrolment.js';
import {
  ConfirmRequest,
  EnrolmentResponse,
  ProofRequest,
  RecoveryCodesResponse,
  StartRequest,
  TwoFactorResponse,
} from './two-factor.dto.js';
import { PASSWORD_DEADLINE_MS } from '../passwords/password-hasher.js';
import { Context, type RequestContext } from '../../access/request-context.js';

const UNREADABLE = ['encryption.unknown_key', 'encryption.unreadable'] as const;
const PROOF_PROBLEMS = [
  'auth.wrong_password',
  'auth.wrong_code',
  'auth.second_factor_not_on',
  'auth.too_many_attempts',
  'request.validation',
  'auth.busy',
  ...UNREADABLE,
  ...DATABASE_ERRORS,
] as const;

@ApiTags('second-factor')
@Controller('auth/second-factor')
export class TwoFactorController {
  constructor(private readonly enrolment: TwoFactorEnrolment) {}

  @Get()
  @UsersOnly()
  @ApiOperation({ summary: 'Get the status of your second factor' })
  @ApiOkResponse({ type: TwoFactorResponse, description: 'The status of the second factor.' })
  @ApiProblems(...DATABASE_ERRORS)
  async getSecondFactor(@CurrentUser() user: CachedUser): Promise<TwoFactorResponse> {
    return TwoFactorResponse.of(await this.enrolment.status(user));
  }

  @Post()
  @UsersOnly()
  @Audited('second_factor.started')
  @RateLimit(REQUEST_LIMITS.password)
  @Deadline(PASSWORD_DEADLINE_MS)
  @ApiOperation({
    summary: 'Start setting up a second factor; logins do not require it before it is confirmed',
  })
  @ApiCreatedResponse({ type: EnrolmentResponse, description: 'The secret for the authenticator app.' })
  @ApiProblems(
    'auth.wrong_password',
    'auth.second_factor_already_on',
    'auth.too_many_attempts',
    'request.validation',
    'auth.busy',
    ...DATABASE_ERRORS,
  )
  async startSecondFactor(
    @CurrentUser() user: CachedUser,
    @Body() { password }: StartRequest,
    @Context() context: RequestContext,
  ): Promise<EnrolmentResponse> {
    return EnrolmentResponse.of(await this.enrolment.begin(user, password, context));
  }

  @Post('confirm')
  @UsersOnly()
  @Audited('second_factor.enabled')
  @RateLimit(REQUEST_LIMITS.password)
  @HttpCode(200)
  @ApiOperation({ summary: 'Turn the second factor on, with a code that proves that the app has the secret' })
  @ApiOkResponse({
    type: RecoveryCodesResponse,
    description: 'The second factor is on. The recovery codes are for when the app is lost.',
  })
  @ApiProblems(
    'auth.wrong_code',
    'auth.second_factor_not_started',
    'auth.second_factor_already_on',
    'auth.too_many_attempts',
    'request.validation',
    ...UNREADABLE,
    ...DATABASE_ERRORS,
  )
  async confirmSecondFactor(
    @CurrentUser() user: CachedUser,
    @Body() { code }: ConfirmRequest,
    @Context() context: RequestContext,
  ): Promise<RecoveryCodesResponse> {
    return { recovery_codes: await this.enrolment.confirm(user, code, context) };
  }

  @Post('recovery-codes')
  @UsersOnly()
  @Audited('second_factor.recovery_codes_made')
  @RateLimit(REQUEST_LIMITS.password)
  @HttpCode(200)
  @Deadline(PASSWORD_DEADLINE_MS)
  @ApiOperation({ summary: 'Replace the recovery codes' })
  @ApiOkResponse({
    type: RecoveryCodesResponse,
    description: 'The new codes. The former ones no longer work.',
  })
  @ApiProblems(...PROOF_PROBLEMS)
  async renewRecoveryCodes(
    @CurrentUser() user: CachedUser,
    @Body() proof: ProofRequest,
    @Context() context: RequestContext,
  ): Promise<RecoveryCodesResponse> {
    return { recovery_codes: await this.enrolment.renewRecoveryCodes(user, proof, context) };
  }

  @Delete()
  @UsersOnly()
  @Audited('second_factor.disabled')
  @RateLimit(REQUEST_LIMITS.password)
  @HttpCode(204)
  @Deadline(PASSWORD_DEADLINE_MS)
  @ApiOperation({ summary: 'Turn the second factor off and delete its recovery codes' })
  @ApiNoContentResponse({ description: 'Logins ask only for the password.' })
  @ApiProblems(...PROOF_PROBLEMS)
  async disableSecondFactor(
    @CurrentUser() user: CachedUser,
    @Body() proof: ProofRequest,
    @Context() context: RequestContext,
  ): Promise<void> {
    await this.enrolment.disable(user, proof, context);
  }
}
