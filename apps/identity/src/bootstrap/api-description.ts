import { type DocumentBuilder } from '@nestjs/swagger';
import { type ApiDescription } from '#http';
import {
  BEARER_SCHEME,
  PASSWORD_SCHEME,
  PERSONAL_TOKEN_SCHEME,
  SERVICE_BASIC_SCHEME,
  SERVICE_TOKEN_SCHEME,
} from '../access/api-bearer.js';

const DESCRIPTION = `Says who a bearer token is, and keeps the profiles of users.

**To get a token:** \`POST /auth/register\` or \`POST /auth/login\`, and send the \`access_token\` of the answer as
\`Authorization: Bearer …\`. On the documentation page, *Authorize* does it for you: fill in username (or email) and
password, and leave the client fields empty.

Errors are \`application/problem+json\` with a stable \`code\`.`;

/** Title, tags and security schemes of the OpenAPI document. */
export const apiDescription: ApiDescription = {
  leading: ['/auth/register', '/auth/login', '/auth/me', '/auth/profile'],
  scoped: {
    [PERSONAL_TOKEN_SCHEME]: 'Scope for personal access tokens',
    [SERVICE_TOKEN_SCHEME]: 'Privilege for service tokens',
  },
  describe: (builder: DocumentBuilder) =>
    builder
      .setTitle('Usher')
      .setDescription(DESCRIPTION)
      .setLicense('MIT', 'https://opensource.org/license/mit')
      .addServer('/')
      .addTag('auth', 'Registration, login and the tokens of a session.')
      .addTag('account', 'The own profile, password, email address and activity.')
      .addTag('sessions', 'Where one is logged in.')
      .addTag('second-factor', 'Codes of an authenticator app, asked for at logins.')
      .addTag('personal-tokens', 'Personal access tokens, for scripts.')
      .addTag('users', 'Profiles and look-ups.')
      .addTag('administration', 'Users, their sessions, and the audit log; for administrators.')
      .addTag('services', 'What other services ask about tokens.')
      .addTag('health', 'What operators ask.')
      // First in the Authorize dialog: the way in for a person.
      .addOAuth2(
        { type: 'oauth2', flows: { password: { tokenUrl: '/auth/token', scopes: {} } } },
        PASSWORD_SCHEME,
      )
      .addBearerAuth({ type: 'http', scheme: 'bearer', bearerFormat: 'JWT' }, BEARER_SCHEME)
      .addBearerAuth(
        {
          type: 'http',
          scheme: 'bearer',
          bearerFormat: 'usher_pat_…',
          description: 'From `POST /auth/tokens`.',
        },
        PERSONAL_TOKEN_SCHEME,
      )
      .addSecurity(SERVICE_TOKEN_SCHEME, {
        type: 'http',
        scheme: 'bearer',
        description: 'For services: one of `SERVICE_TOKENS`, with the privilege that is named.',
      })
      .addSecurity(SERVICE_BASIC_SCHEME, {
        type: 'http',
        scheme: 'basic',
        description: 'The same as client credentials: the name of the service, and its token.',
      }),
};
