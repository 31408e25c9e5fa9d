import { Module } from '@nestjs/common';
import { GUESS_LIMITS } from './guess-limits.js';
import { Guesses } from './guesses.js';
import { KnownNetworks } from './known-networks.js';
import { Limits } from '../rate-limits/limits.js';
import { LimitsModule } from '../rate-limits/limits.module.js';

/** Slows the guessing of passwords and codes. */
@Module({
  imports: [LimitsModule],
  providers: [
    {
      provide: Guesses,
      inject: [Limits],
      useFactory: (limits: Limits) =>
        new Guesses(
          {
            pair: limits.counterOf(GUESS_LIMITS.pair),
            account: limits.counterOf(GUESS_LIMITS.account),
            codes: limits.counterOf(GUESS_LIMITS.codes),
            network: limits.counterOf(GUESS_LIMITS.network),
          },
          new KnownNetworks(limits.redis),
        ),
    },
  ],
  exports: [Guesses],
})
export class LoginThrottleModule {}
