import { type CachedUser } from '#accounts';
import { Body, Controller, Delete, Get, Header, HttpCode, Post, Put } from '@nestjs/common';
import {
  ApiCreatedResponse,
  ApiNoContentResponse,
  ApiOkResponse,
  ApiOperation,
  ApiTags,
} from '@nestjs/swagger';
import { type AuditNote, Note } from '../audit/audit-note.js';
import { Audited } from '../audit/audited.js';
import { ApiProblems, Consumes, Deadline, FORM, InvalidInput, Revalidated, UNAVAILABLE } from '#http';
import { REQUEST_LIMITS } from '../limits/limit.js';
import { Limited } from '../limits/limited.js';
import { CurrentVisitor, type Visitor } from '../limits/visitor.js';
import { AccountsService } from './accounts/accounts.service.js';
import {
  ChangePasswordRequest,
  DeactivateRequest,
  ProfileRequest,
  RegisterRequest,
} from './accounts/account-requests.js';
import { ClosedAccount } from './accounts/closed-account.js';
import { profileChanges } from './accounts/profile-fields.js';
import { Public, Scope, UsersOnly } from './guard/access.js';
import { CurrentSession, CurrentUser } from './guard/current-user.js';
import { LoginRequest } from './login/login-request.js';
import { LoginService } from './login/login.service.js';
import { OAuthErrors } from './oauth/oauth-errors.js';
import { grantOf, TokenRequest } from './oauth/token-request.js';
import { type Client, CurrentClient } from './sessions/client.js';
import { SessionsService } from './sessions/sessions.service.js';
import { TokenIssuer } from './token-issuer.js';
import { AuthenticatedResponse, TokenResponse } from './token-response.js';
import { UserResponse } from './user-response.js';

/** The longest that a password may wait for its turn and be hashed; the queue is bounded well below it. */
const PASSWORD_DEADLINE_MS = 15_000;

@Controller('auth')
export class AuthController {
  constructor(
    private readonly accounts: AccountsService,
    private readonly logins: LoginService,
    private readonly issuer: TokenIssuer,
    private readonly sessions: SessionsService,
  ) {}

  @Post('register')
  @Public()
  @Audited('account.registered')
  @Limited(REQUEST_LIMITS.register)
  @Deadline(PASSWORD_DEADLINE_MS)
  @ApiTags('auth')
  @ApiOperation({ summary: 'Make an account' })
  @ApiCreatedResponse({
    type: AuthenticatedResponse,
    description: 'The account is made; the token is for it.',
  })
  @ApiProblems(
    'users.email_taken',
    'users.username_taken',
    'users.phone_taken',
    'request.validation',
    'auth.busy',
    ...UNAVAILABLE,
  )
  async register(
    @Body() { email, password, ...profile }: RegisterRequest,
    @CurrentClient() client: Client,
    @CurrentVisitor() visitor: Visitor,
    @Note() note: AuditNote,
  ): Promise<AuthenticatedResponse> {
    return this.issuer.authenticated(
      await this.accounts.register({ ...profileChanges(profile), email, password }, client, visitor, note),
    );
  }

  @Post('login')
  @Public()
  @Audited('session.opened')
  @Limited(REQUEST_LIMITS.login)
  @HttpCode(200)
  @Deadline(PASSWORD_DEADLINE_MS)
  @ApiTags('auth')
  @ApiOperation({
    summary: 'Get a token with an email address, username or phone number, and the password',
    description:
      'Where the second factor is on and no `code` was sent, the answer is a 401 `auth.second_factor_required` with a `challenge`, ' +
      'good for five minutes: send it with a code to `POST /auth/login/second-factor`.',
  })
  @ApiOkResponse({ type: AuthenticatedResponse, description: 'A token, and whose it is.' })
  @ApiProblems(
    'auth.invalid_credentials',
    'auth.second_factor_required',
    'auth.invalid_code',
    'auth.too_many_attempts',
    'request.validation',
    'auth.busy',
    ...UNAVAILABLE,
  )
  async login(
    @Body() { identifier, email, password, code }: LoginRequest,
    @CurrentClient() client: Client,
    @CurrentVisitor() visitor: Visitor,
    @Note() note: AuditNote,
  ): Promise<AuthenticatedResponse> {
    return this.issuer.authenticated(
      await this.logins.login(
        { identifier: theOne(identifier, email), password, code },
        client,
        visitor,
        note,
      ),
    );
  }

  @Post('token')
  @Public()
  @Audited('session.opened')
  @Limited(REQUEST_LIMITS.login)
  @HttpCode(200)
  @Deadline(PASSWORD_DEADLINE_MS)
  @Consumes(FORM)
  @OAuthErrors()
  @Header('Pragma', 'no-cache') // with `Cache-Control: no-store`, by RFC 6749, section 5.1
  @ApiTags('auth')
  @ApiOperation({ summary: 'Get a token as OAuth 2 clients do (RFC 6749, password and refresh grant)' })
  @ApiOkResponse({ type: TokenResponse, description: 'A token.' })
  @ApiProblems(
    'auth.invalid_request',
    'auth.invalid_grant',
    'auth.unsupported_grant_type',
    'auth.too_many_attempts',
    'auth.busy',
    ...UNAVAILABLE,
  )
  async issueToken(
    @Body() request: TokenRequest,
    @CurrentClient() client: Client,
    @CurrentVisitor() visitor: Visitor,
    @Note() note: AuditNote,
  ): Promise<TokenResponse> {
    const grant = grantOf(request);
    return this.issuer.token(
      grant.type === 'password'
        ? await this.logins.login(grant, client, visitor, note)
        : await this.sessions.refresh(grant.refreshToken, note),
    );
  }

  @Get('me')
  @UsersOnly()
  @Scope('profile:read')
  @Revalidated()
  @ApiTags('account')
  @ApiOperation({ summary: 'Who the token belongs to' })
  @ApiOkResponse({ type: UserResponse, description: 'The user.' })
  getMe(@CurrentUser() user: CachedUser): UserResponse {
    return UserResponse.of(user);
  }

  @Put('profile')
  @Limited(REQUEST_LIMITS.profile)
  @UsersOnly()
  @Audited('account.profile_changed')
  @Scope('profile:write')
  @ApiTags('account')
  @ApiOperation({ summary: 'Change the own profile: given fields change, others stay, null clears' })
  @ApiOkResponse({ type: UserResponse, description: 'The user as they are now.' })
  @ApiProblems('users.username_taken', 'users.phone_taken', 'request.validation')
  async updateProfile(
    @CurrentUser() user: CachedUser,
    @Body() fields: ProfileRequest,
    @Note() note: AuditNote,
  ): Promise<UserResponse> {
    note.changing(fields);
    return UserResponse.of(await this.accounts.changeProfile(user, profileChanges(fields)));
  }

  @Post('change-password')
  @UsersOnly()
  @Audited('account.password_changed')
  @Limited(REQUEST_LIMITS.password)
  @HttpCode(204)
  @Deadline(PASSWORD_DEADLINE_MS)
  @ApiTags('account')
  @ApiOperation({ summary: 'Change the password; every other session ends' })
  @ApiNoContentResponse({
    description: 'It is changed, and whoever was logged in elsewhere is not any more.',
  })
  @ApiProblems('auth.wrong_password', 'auth.too_many_attempts', 'request.validation', 'auth.busy')
  async changePassword(
    @CurrentSession() session: { id: string; user: CachedUser },
    @Body() { current_password, new_password }: ChangePasswordRequest,
    @CurrentClient() client: Client,
    @CurrentVisitor() visitor: Visitor,
  ): Promise<void> {
    await this.accounts.changePassword(session, current_password, new_password, client, visitor);
  }

  @Delete('account')
  @UsersOnly()
  @Audited('account.deactivated')
  @Limited(REQUEST_LIMITS.password)
  @HttpCode(200)
  @Deadline(PASSWORD_DEADLINE_MS)
  @ApiTags('account')
  @ApiOperation({
    summary:
      'Deactivate the own account and end every session; it is deleted later, or restored by an administrator',
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
    @CurrentVisitor() visitor: Visitor,
  ): Promise<ClosedAccount> {
    const dueAt = await this.accounts.deactivate(user, password, visitor);
    return { deletion_due_at: dueAt.toISOString() };
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
