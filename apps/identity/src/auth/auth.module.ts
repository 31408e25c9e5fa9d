import { Module } from '@nestjs/common';
import { APP_GUARD } from '@nestjs/core';
import { AccountsService } from './accounts/accounts.service.js';
import { AuthController } from './auth.controller.js';
import { AuthGuard } from './guard/auth.guard.js';
import { ServiceTokens } from './guard/service-tokens.js';
import { LoginService } from './login/login.service.js';
import { PasswordsModule } from './passwords/passwords.module.js';
import { TokenIssuer } from './token-issuer.js';
import { TokensModule } from './tokens/tokens.module.js';

/** Who are you? Its guard stands before every route of the application. */
@Module({
  imports: [PasswordsModule, TokensModule],
  controllers: [AuthController],
  providers: [
    AccountsService,
    LoginService,
    ServiceTokens,
    TokenIssuer,
    { provide: APP_GUARD, useClass: AuthGuard },
  ],
})
export class AuthModule {}
