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
  @GivenPasswordField({ description: 'The password as it is.' })
  current_password!: string;

  @PasswordField()
  new_password!: string;
}

export class DeactivateRequest {
  @GivenPasswordField({ description: 'The password, to be sure.' })
  password!: string;
}

@ApiSchema({ name: 'ClosedAccount' })
export class ClosedAccount {
  @ApiProperty({
    type: 'string',
    format: 'date-time',
    description: 'When it is deleted for good, unless an administrator restores it before.',
    example: '2026-01-31T12:00:00.000Z',
  })
  deletion_due_at!: string;
}
