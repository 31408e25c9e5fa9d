import { Settings } from '#config';
import { Module } from '@nestjs/common';
import { loadRefreshKeys } from '../tokens/refresh-keys.js';
import { Clock } from '../tokens/clock.js';
import { TokensModule } from '../tokens/tokens.module.js';
import { loadEncryptionKeys } from './encryption-keys.js';
import { LoginChallenges } from './login-challenges.js';
import { SecondFactorStore } from '#accounts';
import { SecondFactors } from './second-factors.js';
import { SecretBox } from '#crypto';

@Module({
  imports: [TokensModule],
  providers: [
    SecondFactors,
    SecondFactorStore,
    {
      provide: SecretBox,
      inject: [Settings],
      useFactory: async (settings: Settings) => new SecretBox(await loadEncryptionKeys(settings)),
    },
    {
      provide: LoginChallenges,
      inject: [Settings, Clock],
      useFactory: async (settings: Settings, clock: Clock) =>
        new LoginChallenges(await loadRefreshKeys(settings), clock),
    },
  ],
  exports: [LoginChallenges, SecondFactors],
})
export class SecondFactorModule {}
