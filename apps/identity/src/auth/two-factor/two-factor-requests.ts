import { GivenPasswordField, TextField, UuidField } from '#http';
import { CODE } from './code-field.js';

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
