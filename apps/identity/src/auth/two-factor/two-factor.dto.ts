import { GivenPasswordField } from '../passwords/password-field.js';
import { TextField, UuidField } from '#http';
import { ApiProperty, ApiSchema } from '@nestjs/swagger';
import { type TwoFactorStatus } from '#accounts';
import { type Enrolment } from './two-factor-codes.js';

/** Six digits of an authenticator app, or a recovery code; dashes and spaces do not matter. */
export const CODE = {
  min: 1,
  max: 64,
  description: 'What the authenticator app shows, or a recovery code.',
  example: '287082',
} as const;

export class StartRequest {
  @GivenPasswordField({ description: 'The password, to be sure.' })
  password!: string;
}

export class ConfirmRequest {
  @TextField({ ...CODE, description: 'What the authenticator app shows now.' })
  code!: string;
}

export class ProofRequest {
  @GivenPasswordField({ description: 'The password, to be sure.' })
  password!: string;

  @TextField(CODE)
  code!: string;
}

export class SecondStepRequest {
  @TextField({
    max: 256,
    description: 'From the answer to the password: `auth.second_factor_required`.',
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
    description: 'Base32, to be typed into an authenticator app.',
    example: 'RLJFVILXEN5VOITBIFLJPZO3JYVV4U64',
  })
  secret!: string;

  @ApiProperty({
    type: 'string',
    description: 'The same with the names of service and account, to be shown as a QR code.',
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
    description: 'Each is good once, in place of a code. They are not to be had again.',
    example: ['h4k2-9xvt-0qpz-m7cd'],
  })
  recovery_codes!: string[];
}
