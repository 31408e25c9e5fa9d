import { Module } from '@nestjs/common';
import { LOGIN_LIMITS, LoginThrottle } from './login-throttle.js';
import { TrustedNetworks } from './trusted-networks.js';
import { RateLimits } from '../rate-limits/rate-limits.js';
import { RateLimitsModule } from '../rate-limits/rate-limits.module.js';

/** Slows down guessing of passwords and codes. */
@Module({
  imports: [RateLimitsModule],
  providers: [
    {
      provide: LoginThrottle,
      inject: [RateLimits],
      useFactory: (limits: RateLimits) =>
        new LoginThrottle(
          {
            pair: limits.counterOf(LOGIN_LIMITS.pair),
            account: limits.counterOf(LOGIN_LIMITS.account),
            codes: limits.counterOf(LOGIN_LIMITS.codes),
            network: limits.counterOf(LOGIN_LIMITS.network),
          },
          new TrustedNetworks(limits.redis),
        ),
    },
  ],
  exports: [LoginThrottle],
})
export class LoginThrottleModule {}
