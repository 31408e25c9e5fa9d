import { Settings } from '#config';
import { Module } from '@nestjs/common';
import { SigningKeysModule } from '../signing-keys/signing-keys.module.js';
import { loadEncryptionKeys } from './encryption-keys.js';
import { TwoFactorStore } from '#accounts';
import { TwoFactorCodes } from './two-factor-codes.js';
import { SecretCipher } from '#crypto';

@Module({
  imports: [SigningKeysModule],
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
