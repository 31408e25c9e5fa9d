import { Body, Controller, Header, HttpCode, Post } from '@nestjs/common';
import { ApiOkResponse, ApiOperation, ApiTags } from '@nestjs/swagger';
import { Audited } from '../../audit-log/audited.js';
import { ApiProblems, CacheTrace, Consumes, FORM, Trace } from '#http';
import { RateLimit, REQUEST_LIMITS } from '../../rate-limits/rate-limit.js';
import { ServicesOnly } from '../../access/access.js';
import { OAuthErrors } from '../oauth/oauth-errors.js';
import { IntrospectionResponse, PresentedTokenRequest } from './introspection.dto.js';
import { TokenIntrospection } from './token-introspection.js';
import { Context, type RequestContext } from '../../access/request-context.js';
import { TokenRevocation } from './token-revocation.js';

/** What services ask about tokens that others sent them. */
@ApiTags('services')
@Controller('auth')
export class IntrospectionController {
  constructor(
    private readonly introspection: TokenIntrospection,
    private readonly revocation: TokenRevocation,
  ) {}

  @Post('introspect')
  @ServicesOnly('introspect', { basic: true })
  @HttpCode(200)
  @Consumes(FORM)
  @OAuthErrors()
  @Header('Pragma', 'no-cache')
  @ApiOperation({ summary: 'Introspect a token (RFC 7662)' })
  @ApiOkResponse({
    type: IntrospectionResponse,
    description: 'The claims of the token; `{"active": false}` for any token that is not good.',
  })
  @ApiProblems('auth.invalid_request')
  introspectToken(
    @Body() { token }: PresentedTokenRequest,
    @Trace() trace: CacheTrace,
  ): Promise<IntrospectionResponse> {
    return this.introspection.introspect(token, trace);
  }

  @Post('revoke')
  @ServicesOnly('revoke', { basic: true })
  @RateLimit(REQUEST_LIMITS.revoke)
  @Audited('token.revoked')
  @HttpCode(200)
  @Consumes(FORM)
  @OAuthErrors()
  @ApiOperation({
    summary: 'Revoke a token (RFC 7009)',
    description:
      'An access token or refresh token ends with its session and all its tokens; a personal access token ends alone.',
  })
  @ApiOkResponse({ description: 'The token is no longer good, if it ever was.' })
  @ApiProblems('auth.invalid_request')
  async revokeToken(
    @Body() { token }: PresentedTokenRequest,
    @Context() context: RequestContext,
  ): Promise<void> {
    context.audit.about(await this.revocation.revoke(token));
  }
}
