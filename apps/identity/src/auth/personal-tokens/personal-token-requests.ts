import { GivenPasswordField, IntegerField, TextField, UuidField } from '#http';
import { type ScopeName } from '../../access/scopes.js';
import { ScopesField } from './scopes-field.js';

export class PersonalTokenRequest {
  @TextField({ min: 1, max: 100, description: 'What it is for, in your words.', example: 'nightly backup' })
  name!: string;

  @ScopesField()
  scopes!: ScopeName[];

  @IntegerField({
    min: 1,
    max: 366,
    optional: true,
    description: 'Days until it expires; 30 unless given.',
    example: 30,
  })
  expires_in_days?: number;

  // A stolen access token lasts minutes; what is made with it would last a year.
  @GivenPasswordField({ description: 'The password, to be sure.' })
  password!: string;
}

export class PersonalTokenPath {
  @UuidField({ description: 'The personal access token.' })
  id!: string;
}
