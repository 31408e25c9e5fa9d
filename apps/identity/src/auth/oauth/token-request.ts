import { TextField } from '../../http/fields/text-field.js';
import { GivenPasswordField } from '../accounts/account-requests.js';

const ignored = { max: 1_024, optional: true, example: '' };

/** RFC 6749, section 4.3.2. Clients are not registered here; what they say of themselves is ignored. */
export class TokenRequest {
  @TextField({ max: 64, description: 'How you prove who you are.', example: 'password' })
  grant_type!: string;

  @TextField({
    max: 320,
    description: 'Email address, username or phone number.',
    example: 'ada@example.com',
  })
  username!: string;

  @GivenPasswordField('The password.')
  password!: string;

  @TextField({ ...ignored, description: 'Ignored: a token is good for all that its user may do.' })
  scope?: string;

  @TextField({ ...ignored, description: 'Ignored.' })
  client_id?: string;

  @TextField({ ...ignored, description: 'Ignored.' })
  client_secret?: string;
}
