import { Module } from '@nestjs/common';
import { Settings } from '#config';
import { AccessTokens } from './access-tokens.js';
import { Clock, SystemClock } from '#cache';
import { JwksController } from '../signing-keys/jwks.controller.js';
import { loadRefreshKeys } from '../refresh-tokens/refresh-keys.js';
import { RefreshTokens } from '../refresh-tokens/refresh-tokens.js';
import { SigningKeys } from '../signing-keys/signing-keys.js';
import { SigningKeysPoll } from '../signing-keys/signing-keys-poll.js';

@Module({
  controllers: [JwksController],
  providers: [
    AccessTokens,
    SigningKeysPoll,
    { provide: Clock, useFactory: () => new SystemClock() },
    {
      provide: RefreshTokens,
      useFactory: async (settings: Settings) => new RefreshTokens(await loadRefreshKeys(settings)),
      inject: [Settings],
    },
    {
      provide: SigningKeys,
      useFactory: (settings: Settings, clock: Clock) => SigningKeys.load(settings, clock),
      inject: [Settings, Clock],
    },
  ],
  exports: [AccessTokens, Clock, RefreshTokens, SigningKeys],
})
export class TokensModule {}
