import { Settings } from '#config';
import { Module, type OnModuleInit } from '@nestjs/common';
import { APP_GUARD, HttpAdapterHost } from '@nestjs/core';
import { type FastifyInstance } from 'fastify';
import { LoginThrottleModule } from '../login-throttle/login-throttle.module.js';
import { LimitsModule } from '../rate-limits/limits.module.js';
import { AccountsController } from './accounts/accounts.controller.js';
import { AccountsService } from './accounts/accounts.service.js';
import { OwnPassword } from './passwords/own-password.js';
import { LoginController } from './login/login.controller.js';
import { ExpiredRows } from './expired-rows.js';
import { AuthGuard } from './guard/auth.guard.js';
import { callerIds } from '../access/caller.js';
import { ServiceTokens } from '../access/service-tokens.js';
import { IntrospectionController } from './introspection/introspection.controller.js';
import { PresentedTokens } from './introspection/presented-tokens.js';
import { TokenIntrospection } from './introspection/token-introspection.js';
import { TokenRevocation } from './introspection/token-revocation.js';
import { LoginService } from './login/login.service.js';
import { LinksController } from './email-actions/links.controller.js';
import { LinksService } from './email-actions/links.service.js';
import { MailedLinksModule } from './email-actions/mailed-links.module.js';
import { LinkPagesController } from './email-actions/pages/link-pages.controller.js';
import { ServerMetadataController } from './oauth/server-metadata.controller.js';
import { PasswordsModule } from './passwords/passwords.module.js';
import { PersonalTokenHolders } from './personal-tokens/personal-token-holders.js';
import { PersonalTokensController } from './personal-tokens/personal-tokens.controller.js';
import { PersonalTokensService } from './personal-tokens/personal-tokens.service.js';
import { LoginChallenges } from './login/login-challenges.js';
import { LostDevices } from './two-factor/lost-devices.js';
import { LostDevicesController } from './two-factor/lost-devices.controller.js';
import { OwnSecondFactor } from './two-factor/own-second-factor.js';
import { SecondFactorController } from './two-factor/second-factor.controller.js';
import { SecondFactorModule } from './two-factor/second-factor.module.js';
import { SecondStep } from './login/second-step.js';
import { SecondStepController } from './login/second-step.controller.js';
import { SessionsController } from './sessions/sessions.controller.js';
import { SessionsService } from './sessions/sessions.service.js';
import { TokenIssuer } from './sessions/token-issuer.js';
import { Clock } from '#cache';
import { loadRefreshKeys } from './refresh-tokens/refresh-keys.js';
import { TokensModule } from './access-tokens/tokens.module.js';

/** Who are you? Its guard stands before every route of the application. */
@Module({
  imports: [
    LimitsModule,
    LoginThrottleModule,
    MailedLinksModule,
    PasswordsModule,
    SecondFactorModule,
    TokensModule,
  ],
  controllers: [
    AccountsController,
    LoginController,
    LinkPagesController,
    LinksController,
    LostDevicesController,
    SecondFactorController,
    SecondStepController,
    IntrospectionController,
    PersonalTokensController,
    ServerMetadataController,
    SessionsController,
  ],
  providers: [
    AccountsService,
    ExpiredRows,
    LinksService,
    LoginService,
    LostDevices,
    OwnPassword,
    OwnSecondFactor,
    SecondStep,
    PersonalTokenHolders,
    PersonalTokensService,
    PresentedTokens,
    ServiceTokens,
    SessionsService,
    TokenIntrospection,
    TokenIssuer,
    TokenRevocation,
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
    this.host.httpAdapter.getInstance<FastifyInstance>().callerIds = callerIds;
  }
}
