import { Settings } from '#config';
import { Module, type OnModuleInit } from '@nestjs/common';
import { APP_GUARD, HttpAdapterHost } from '@nestjs/core';
import { type FastifyInstance } from 'fastify';
import { LoginThrottleModule } from '../login-throttle/login-throttle.module.js';
import { RateLimitsModule } from '../rate-limits/rate-limits.module.js';
import { AccountsController } from './accounts/accounts.controller.js';
import { AccountsService } from './accounts/accounts.service.js';
import { PasswordConfirmation } from './passwords/password-confirmation.js';
import { LoginController } from './login/login.controller.js';
import { ExpiredRowsPurge } from './expired-rows-purge.js';
import { AuthGuard } from './guard/auth.guard.js';
import { principalIds } from '../access/principal.js';
import { ServiceTokens } from '../access/service-tokens.js';
import { IntrospectionController } from './introspection/introspection.controller.js';
import { PresentedTokens } from './introspection/presented-tokens.js';
import { TokenIntrospection } from './introspection/token-introspection.js';
import { TokenRevocation } from './introspection/token-revocation.js';
import { LoginService } from './login/login.service.js';
import { EmailActionsController } from './email-actions/email-actions.controller.js';
import { EmailActionsService } from './email-actions/email-actions.service.js';
import { EmailActionsModule } from './email-actions/email-actions.module.js';
import { LinkPagesController } from './email-actions/pages/link-pages.controller.js';
import { ServerMetadataController } from './oauth/server-metadata.controller.js';
import { PasswordsModule } from './passwords/passwords.module.js';
import { PersonalTokenAuthenticator } from './personal-tokens/authenticator.js';
import { AccessTokenAuthenticator } from './access-tokens/authenticator.js';
import { AccessTokens } from './access-tokens/access-tokens.js';
import { ServiceTokenAuthenticator } from './service-tokens/authenticator.js';
import { RefreshTokens } from './refresh-tokens/refresh-tokens.js';
import { PersonalTokensController } from './personal-tokens/personal-tokens.controller.js';
import { PersonalTokensService } from './personal-tokens/personal-tokens.service.js';
import { LoginChallenges } from './login/login-challenges.js';
import { TwoFactorReset, TwoFactorResetController } from './two-factor/two-factor-reset.controller.js';
import { TwoFactorEnrolment } from './two-factor/two-factor-enrolment.js';
import { TwoFactorController } from './two-factor/two-factor.controller.js';
import { TwoFactorModule } from './two-factor/two-factor.module.js';
import { TwoFactorLogin } from './login/two-factor-login.js';
import { TwoFactorLoginController } from './login/two-factor-login.controller.js';
import { SessionsController } from './sessions/sessions.controller.js';
import { SessionsService } from './sessions/sessions.service.js';
import { TokenIssuer } from './sessions/token-issuer.js';
import { Clock } from '#cache';
import { loadRefreshKeys } from './refresh-tokens/refresh-keys.js';
import { SigningKeysModule } from './signing-keys/signing-keys.module.js';

/** Who are you? The guard runs before every route of the application. */
@Module({
  imports: [
    RateLimitsModule,
    LoginThrottleModule,
    EmailActionsModule,
    PasswordsModule,
    TwoFactorModule,
    SigningKeysModule,
  ],
  controllers: [
    AccountsController,
    LoginController,
    LinkPagesController,
    EmailActionsController,
    TwoFactorResetController,
    TwoFactorController,
    TwoFactorLoginController,
    IntrospectionController,
    PersonalTokensController,
    ServerMetadataController,
    SessionsController,
  ],
  providers: [
    AccountsService,
    ExpiredRowsPurge,
    EmailActionsService,
    LoginService,
    TwoFactorReset,
    PasswordConfirmation,
    TwoFactorEnrolment,
    TwoFactorLogin,
    PersonalTokenAuthenticator,
    PersonalTokensService,
    PresentedTokens,
    ServiceTokens,
    ServiceTokenAuthenticator,
    AccessTokens,
    AccessTokenAuthenticator,
    SessionsService,
    TokenIntrospection,
    TokenIssuer,
    TokenRevocation,
    {
      provide: RefreshTokens,
      inject: [Settings],
      useFactory: async (settings: Settings) => new RefreshTokens(await loadRefreshKeys(settings)),
    },
    {
      provide: LoginChallenges,
      inject: [Settings, Clock],
      useFactory: async (settings: Settings, clock: Clock) =>
        new LoginChallenges(await loadRefreshKeys(settings), clock),
    },
    { provide: APP_GUARD, useClass: AuthGuard },
  ],
})
export class AuthModule implements OnModuleInit {
  constructor(private readonly host: HttpAdapterHost) {}

  onModuleInit(): void {
    this.host.httpAdapter.getInstance<FastifyInstance>().principalIds = principalIds;
  }
}
