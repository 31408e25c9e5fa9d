import { GivenPasswordField } from '../passwords/password-field.js';
import { TextField, UuidField } from '#http';
import { ApiProperty, ApiSchema } from '@nestjs/swagger';
import { type TwoFactorStatus } from '#accounts';
import { type Enrolment } from './two-factor-codes.js';

/** Six digits of an authenticator app, or a recovery code; dashes and spaces do not matter. */
export const CODE = {
  min: 1,
  max: 64,
  description: 'A code of the authenticator app, or a recovery code.',
  example: '287082',
} as const;

export class StartRequest {
  @GivenPasswordField({ description: 'The current password, to confirm the change.' })
  password!: string;
}

export class ConfirmRequest {
  @TextField({ ...CODE, description: 'The present code of the authenticator app.' })
  code!: string;
}

export class ProofRequest {
  @GivenPasswordField({ description: 'The current password, to confirm the change.' })
  password!: string;

  @TextField(CODE)
  code!: string;
}

export class SecondStepRequest {
  @TextField({
    max: 256,
    description: 'From the response to the password, `auth.second_factor_required`.',
    example: 'usher_2fa_AZ…',
  })
  challenge!: string;

  @TextField(CODE)
  code!: string;
}

export class OwnerPath {
  @UuidField({ description: 'The id of the user.' })
  id!: string;
}

@ApiSchema({ name: 'SecondFactor' })
export class TwoFactorResponse {
  @ApiProperty({ type: 'boolean', description: 'Whether logins ask for a code.' })
  enabled!: boolean;

  @ApiProperty({ type: 'string', format: 'date-time', nullable: true, description: 'Since when.' })
  since!: string | null;

  @ApiProperty({ type: 'integer', example: 10 })
  recovery_codes_left!: number;

  static of({ since, recoveryCodesLeft }: TwoFactorStatus): TwoFactorResponse {
    return {
      enabled: since !== null,
      since: since && since.toISOString(),
      recovery_codes_left: recoveryCodesLeft,
    };
  }
}

@ApiSchema({ name: 'SecondFactorEnrolment' })
export class EnrolmentResponse {
  @ApiProperty({
    type: 'string',
    description: 'Base32, for typing into an authenticator app.',
    example: 'RLJFVILXEN5VOITBIFLJPZO3JYVV4U64',
  })
  secret!: string;

  @ApiProperty({
    type: 'string',
    description: 'The same with the names of service and account, for a QR code.',
    example: 'otpauth://totp/usher:ada%40example.com?secret=RLJFVILXEN5VOITBIFLJPZO3JYVV4U64&issuer=usher',
  })
  otpauth_uri!: string;

  static of({ secret, uri }: Enrolment): EnrolmentResponse {
    return { secret, otpauth_uri: uri };
  }
}

@ApiSchema({ name: 'RecoveryCodes' })
export class RecoveryCodesResponse {
  @ApiProperty({
    type: [String],
    description: 'Each works once, in place of a code. They are not shown again.',
    example: ['h4k2-9xvt-0qpz-m7cd'],
  })
  recovery_codes!: string[];
}
