import { Settings } from '#config';
import { Module } from '@nestjs/common';
import { TokensModule } from '../access-tokens/tokens.module.js';
import { loadEncryptionKeys } from './encryption-keys.js';
import { TwoFactorStore } from '#accounts';
import { TwoFactorCodes } from './two-factor-codes.js';
import { SecretCipher } from '#crypto';

@Module({
  imports: [TokensModule],
  providers: [
    TwoFactorCodes,
    TwoFactorStore,
    {
      provide: SecretCipher,
      inject: [Settings],
      useFactory: async (settings: Settings) => new SecretCipher(await loadEncryptionKeys(settings)),
    },
  ],
  exports: [TwoFactorCodes],
})
export class TwoFactorModule {}
