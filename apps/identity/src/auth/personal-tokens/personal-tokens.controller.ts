import { type CachedUser } from '#accounts';
import { Body, Controller, Delete, Get, HttpCode, Param, Post } from '@nestjs/common';
import {
  ApiCreatedResponse,
  ApiNoContentResponse,
  ApiOkResponse,
  ApiOperation,
  ApiTags,
} from '@nestjs/swagger';
import { Audited } from '../../audit-log/audited.js';
import { ApiProblems, Deadline } from '#http';
import { RateLimit, REQUEST_LIMITS } from '../../rate-limits/rate-limit.js';
import { UsersOnly } from '../../access/access.js';
import { CurrentUser } from '../../access/current-user.js';
import {
  NewPersonalTokenResponse,
  PersonalTokenList,
  PersonalTokenPath,
  PersonalTokenRequest,
  PersonalTokenResponse,
} from './personal-token.dto.js';
import { Context, type RequestContext } from '../../access/request-context.js';
import { PASSWORD_DEADLINE_MS } from '../passwords/password-hasher.js';
import { PersonalTokensService } from './personal-tokens.service.js';

const DEFAULT_DAYS = 30;

@ApiTags('personal-tokens')
@Controller('auth/tokens')
@UsersOnly()
export class PersonalTokensController {
  constructor(private readonly tokens: PersonalTokensService) {}

  @Post()
  @Audited('token.created')
  @RateLimit(REQUEST_LIMITS.password)
  @Deadline(PASSWORD_DEADLINE_MS)
  @ApiOperation({
    summary: 'Create a personal access token for a script',
    description:
      'It has the rights of its scopes, within those of its user, until it expires or is revoked, or the account is ' +
      'deactivated. It outlives a change of password.',
  })
  @ApiCreatedResponse({
    type: NewPersonalTokenResponse,
    description: 'The token. Its text is shown only now.',
  })
  @ApiProblems(
    'auth.wrong_password',
    'auth.too_many_tokens',
    'auth.too_many_attempts',
    'request.validation',
    'auth.busy',
  )
  async createPersonalToken(
    @CurrentUser() user: CachedUser,
    @Body() { name, scopes, expires_in_days: days = DEFAULT_DAYS, password }: PersonalTokenRequest,
    @Context() context: RequestContext,
  ): Promise<NewPersonalTokenResponse> {
    const { token, text } = await this.tokens.create(user, password, { name, scopes, days }, context);
    return { ...PersonalTokenResponse.of(token), token: text };
  }

  @Get()
  @ApiOperation({ summary: 'List your personal access tokens' })
  @ApiOkResponse({
    type: PersonalTokenList,
    description: 'Tokens that have not expired, without their texts.',
  })
  async listPersonalTokens(@CurrentUser() { id }: CachedUser): Promise<PersonalTokenList> {
    return { items: (await this.tokens.list(id)).map((token) => PersonalTokenResponse.of(token)) };
  }

  @Delete(':id')
  @RateLimit(REQUEST_LIMITS.ending)
  @Audited('token.revoked')
  @HttpCode(204)
  @ApiOperation({ summary: 'Revoke one of your personal access tokens' })
  @ApiNoContentResponse({ description: 'The token is revoked.' })
  @ApiProblems('auth.token_not_found', 'request.validation')
  async revokePersonalToken(
    @CurrentUser() user: CachedUser,
    @Param() { id }: PersonalTokenPath,
  ): Promise<void> {
    await this.tokens.revoke(id, user.id);
  }
}
