import { EmailField } from '#http';
import { GivenPasswordField, PasswordField } from '../passwords/password-field.js';
import { ProfileFields } from '../profile/profile.js';
import { ApiProperty, ApiSchema } from '@nestjs/swagger';

export class RegisterRequest extends ProfileFields {
  @EmailField()
  email!: string;

  @PasswordField()
  password!: string;
}

export class ProfileRequest extends ProfileFields {}

export class ChangePasswordRequest {
  @GivenPasswordField({ description: 'The current password.' })
  current_password!: string;

  @PasswordField()
  new_password!: string;
}

export class DeactivateRequest {
  @GivenPasswordField({ description: 'The current password, to confirm.' })
  password!: string;
}

@ApiSchema({ name: 'ClosedAccount' })
export class ClosedAccount {
  @ApiProperty({
    type: 'string',
    format: 'date-time',
    description: 'When the account is permanently deleted, unless an administrator restores it first.',
    example: '2026-01-31T12:00:00.000Z',
  })
  deletion_due_at!: string;
}
