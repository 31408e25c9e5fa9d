import { type INestApplication } from '@nestjs/common';
import { DocumentBuilder, type OpenAPIObject, SwaggerModule } from '@nestjs/swagger';
import {
  BEARER_SCHEME,
  PASSWORD_SCHEME,
  PERSONAL_TOKEN_SCHEME,
  SERVICE_BASIC_SCHEME,
  SERVICE_TOKEN_SCHEME,
} from './api-bearer.js';
import { completeOperations } from './complete-operations.js';
import { packageVersion } from './package-version.js';
import { ProblemDocument } from './problem-document.js';

const DESCRIPTION = `Says who a bearer token is, and keeps the profiles of users.

**To get a token:** \`POST /auth/register\` or \`POST /auth/login\`, and send the \`access_token\` of the answer as
\`Authorization: Bearer …\`. On the documentation page, *Authorize* does it for you: fill in username (or email) and
password, and leave the client fields empty.

Errors are \`application/problem+json\` with a stable \`code\`.`;

/** The OpenAPI document of the whole app. */
export function buildOpenApi(app: INestApplication): OpenAPIObject {
  const config = new DocumentBuilder()
    .setOpenAPIVersion('3.1.0')
    .setTitle('Usher')
    .setVersion(packageVersion())
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
    })
    .build();
  const document = SwaggerModule.createDocument(app, config, {
    extraModels: [ProblemDocument],
    // A handler's name is the name of the call in generated clients.
    operationIdFactory: (_controller, method) => method,
    autoTagControllers: false,
  });
  document.paths = inOrderOfTags(document);
  completeOperations(document);
  return document;
}

/** Where a reader begins, within the tag. */
const LEADING = ['/auth/register', '/auth/login', '/auth/me', '/auth/profile'];

/** In the order of the tags: modules load in another. */
function inOrderOfTags({ tags = [], paths }: OpenAPIObject): OpenAPIObject['paths'] {
  const names = tags.map(({ name }) => name);
  const tagOf = (path: string): number =>
    Math.min(
      ...Object.values(paths[path] as Record<string, { tags?: string[] }>).map((operation) =>
        names.indexOf(operation.tags?.[0] ?? ''),
      ),
    );
  const rank = (path: string): number => (LEADING.includes(path) ? LEADING.indexOf(path) : LEADING.length);
  const sorted = Object.keys(paths).sort(
    (one, other) => tagOf(one) - tagOf(other) || rank(one) - rank(other),
  );
  return Object.fromEntries(sorted.map((path) => [path, paths[path]!]));
}
