import { Body, Controller, HttpCode, Post } from '@nestjs/common';
import { ApiOkResponse, ApiOperation, ApiTags } from '@nestjs/swagger';
import { Audited } from '../../audit-log/audited.js';
import { ApiProblems, DATABASE_ERRORS } from '#http';
import { RateLimit, REQUEST_LIMITS } from '../../rate-limits/rate-limit.js';
import { Public } from '../../access/access.js';
import { TokenIssuer } from '../sessions/token-issuer.js';
import { AuthenticatedResponse } from '../sessions/session.dto.js';
import { SecondStepRequest } from '../two-factor/two-factor.dto.js';
import { Context, type RequestContext } from '../../access/request-context.js';
import { TwoFactorLogin } from './two-factor-login.js';

@ApiTags('auth')
@Controller('auth/login')
export class TwoFactorLoginController {
  constructor(
    private readonly twoFactor: TwoFactorLogin,
    private readonly issuer: TokenIssuer,
  ) {}

  @Post('second-factor')
  @Public()
  @Audited('session.opened')
  @RateLimit(REQUEST_LIMITS.login)
  @HttpCode(200)
  @ApiOperation({ summary: 'Finish a login that asked for a code' })
  @ApiOkResponse({ type: AuthenticatedResponse, description: 'Tokens, and their user.' })
  @ApiProblems(
    'auth.invalid_code',
    'auth.invalid_challenge',
    'auth.too_many_attempts',
    'request.validation',
    'encryption.unknown_key',
    'encryption.unreadable',
    ...DATABASE_ERRORS,
  )
  async loginWithSecondFactor(
    @Body() { challenge, code }: SecondStepRequest,
    @Context() context: RequestContext,
  ): Promise<AuthenticatedResponse> {
    return this.issuer.authenticated(await this.twoFactor.finish(challenge, code, context));
  }
}
