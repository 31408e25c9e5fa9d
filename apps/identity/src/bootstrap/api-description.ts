import { type DocumentBuilder } from '@nestjs/swagger';
import { type ApiDescription } from '#http';
import {
  BEARER_SCHEME,
  PASSWORD_SCHEME,
  PERSONAL_TOKEN_SCHEME,
  SERVICE_BASIC_SCHEME,
  SERVICE_TOKEN_SCHEME,
} from '../access/api-bearer.js';

const DESCRIPTION = `Authenticates users and keeps their profiles.

**To get a token,** call \`POST /auth/register\` or \`POST /auth/login\`, and send the \`access_token\` of the response as
\`Authorization: Bearer …\`. On the documentation page, *Authorize* does this: enter username (or email) and password, and
leave the client fields empty.

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
      .addTag('auth', 'Registration, login and tokens.')
      .addTag('account', 'Profile, password, email address and activity of the current user.')
      .addTag('sessions', 'Sessions of the current user.')
      .addTag('second-factor', 'Two-factor authentication with an authenticator app.')
      .addTag('personal-tokens', 'Personal access tokens for scripts.')
      .addTag('users', 'Profiles and look-ups.')
      .addTag('administration', 'Users, their sessions and the audit log, for administrators.')
      .addTag('services', 'Token introspection and keys, for other services.')
      .addTag('health', 'Health and metrics, for operators.')
      // First in the Authorize dialog, because people use it.
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
        description: 'For services: one of `SERVICE_TOKENS` with the named privilege.',
      })
      .addSecurity(SERVICE_BASIC_SCHEME, {
        type: 'http',
        scheme: 'basic',
        description: 'The same token as client credentials: the name of the service and its token.',
      }),
};
