import { Module } from '@nestjs/common';

import { Settings } from '#config';

import { AccessTokens } from './access-tokens.js';
import { Clock, SystemClock } from './clock.js';
import { SigningKeys } from './signing-keys.js';

@Module({
  providers: [
    AccessTokens,
    { provide: Clock, useClass: SystemClock },
    {
      provide: SigningKeys,
      useFactory: (settings: Settings) => SigningKeys.load(settings),
      inject: [Settings],
    },
  ],
  exports: [AccessTokens, Clock, SigningKeys],
})
export class TokensModule {}
