import { Settings } from '#config';
import { Module } from '@nestjs/common';
import { TokensModule } from '../access-tokens/tokens.module.js';
import { loadEncryptionKeys } from './encryption-keys.js';
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
  ],
  exports: [SecondFactors],
})
export class SecondFactorModule {}
