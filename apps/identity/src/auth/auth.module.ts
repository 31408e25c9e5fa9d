import { Module } from '@nestjs/common';
import { APP_GUARD } from '@nestjs/core';
import { LimitsModule } from '../limits/limits.module.js';
import { AccountsService } from './accounts/accounts.service.js';
import { AuthController } from './auth.controller.js';
import { AuthGuard } from './guard/auth.guard.js';
import { ServiceTokens } from './guard/service-tokens.js';
import { LoginService } from './login/login.service.js';
import { PasswordsModule } from './passwords/passwords.module.js';
import { SessionsController } from './sessions/sessions.controller.js';
import { SessionsService } from './sessions/sessions.service.js';
import { TokenIssuer } from './token-issuer.js';
import { TokensModule } from './tokens/tokens.module.js';

/** Who are you? Its guard stands before every route of the application. */
@Module({
  imports: [LimitsModule, PasswordsModule, TokensModule],
  controllers: [AuthController, SessionsController],
  providers: [
    AccountsService,
    LoginService,
    ServiceTokens,
    SessionsService,
    TokenIssuer,
    { provide: APP_GUARD, useClass: AuthGuard },
  ],
})
export class AuthModule {}
