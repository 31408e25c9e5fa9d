import { Body, Controller, Header, HttpCode, Post } from '@nestjs/common';
import { ApiOkResponse, ApiOperation, ApiTags } from '@nestjs/swagger';
import { Audited } from '../../audit-log/audited.js';
import { ApiProblems, Consumes, Deadline, FORM, InvalidInput, DATABASE_ERRORS } from '#http';
import { RateLimit, REQUEST_LIMITS } from '../../rate-limits/rate-limit.js';
import { Public } from '../../access/access.js';
import { LoginRequest } from './login.dto.js';
import { LoginService } from './login.service.js';
import { OAuthErrors } from '../oauth/oauth-errors.js';
import { grantOf, TokenRequest } from '../oauth/token-request.js';
import { SessionsService } from '../sessions/sessions.service.js';
import { TokenIssuer } from '../sessions/token-issuer.js';
import { Context, type RequestContext } from '../../access/request-context.js';
import { PASSWORD_DEADLINE_MS } from '../passwords/password-hasher.js';
import { AuthenticatedResponse, TokenResponse } from '../sessions/session.dto.js';

/** Logins and tokens. */
@Controller('auth')
export class LoginController {
  constructor(
    private readonly logins: LoginService,
    private readonly issuer: TokenIssuer,
    private readonly sessions: SessionsService,
  ) {}

  @Post('login')
  @Public()
  @Audited('session.opened')
  @RateLimit(REQUEST_LIMITS.login)
  @HttpCode(200)
  @Deadline(PASSWORD_DEADLINE_MS)
  @ApiTags('auth')
  @ApiOperation({
    summary: 'Log in with an email address, username or phone number and the password',
    description:
      'If the second factor is on and no `code` was sent, the response is a 401 `auth.second_factor_required` with a `challenge`, ' +
      'valid for five minutes: send it with a code to `POST /auth/login/second-factor`.',
  })
  @ApiOkResponse({ type: AuthenticatedResponse, description: 'Tokens, and their user.' })
  @ApiProblems(
    'auth.invalid_credentials',
    'auth.second_factor_required',
    'auth.invalid_code',
    'auth.too_many_attempts',
    'request.validation',
    'auth.busy',
    ...DATABASE_ERRORS,
  )
  async login(
    @Body() { identifier, email, password, code }: LoginRequest,
    @Context() context: RequestContext,
  ): Promise<AuthenticatedResponse> {
    return this.issuer.authenticated(
      await this.logins.login({ identifier: theOne(identifier, email), password, code }, context),
    );
  }

  @Post('token')
  @Public()
  @Audited('session.opened')
  @RateLimit(REQUEST_LIMITS.login)
  @HttpCode(200)
  @Deadline(PASSWORD_DEADLINE_MS)
  @Consumes(FORM)
  @OAuthErrors()
  @Header('Pragma', 'no-cache') // with `Cache-Control: no-store`, by RFC 6749, section 5.1
  @ApiTags('auth')
  @ApiOperation({ summary: 'Get tokens as an OAuth 2 client (RFC 6749, password and refresh grants)' })
  @ApiOkResponse({ type: TokenResponse, description: 'Tokens.' })
  @ApiProblems(
    'auth.invalid_request',
    'auth.invalid_grant',
    'auth.unsupported_grant_type',
    'auth.too_many_attempts',
    'auth.busy',
    ...DATABASE_ERRORS,
  )
  async issueToken(
    @Body() request: TokenRequest,
    @Context() context: RequestContext,
  ): Promise<TokenResponse> {
    const grant = grantOf(request);
    return this.issuer.token(
      grant.type === 'password'
        ? await this.logins.login(grant, context)
        : await this.sessions.refresh(grant.refreshToken, context),
    );
  }
}

function theOne(identifier: string | undefined, email: string | undefined): string {
  if (identifier !== undefined && email !== undefined) {
    throw new InvalidInput([
      { loc: ['body', 'email'], msg: 'Give identifier or email, not both', type: 'extra_forbidden' },
    ]);
  }
  const given = identifier ?? email;
  if (given === undefined) {
    throw new InvalidInput([{ loc: ['body', 'identifier'], msg: 'Field required', type: 'missing' }]);
  }
  return given;
}
