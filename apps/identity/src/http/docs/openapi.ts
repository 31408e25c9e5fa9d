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
    .addTag('auth', 'Who are you: registration, login, tokens and the own profile.')
    .addTag('users', 'Profiles, look-ups and administration.')
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
    operationIdFactory,
  });
  completeOperations(document);
  return document;
}

/** `authMe`: a name for generated clients, and without the `_` that Swagger UI complains of in links. */
function operationIdFactory(controller: string, method: string): string {
  const room = controller.replace(/Controller$/, '');
  return room.charAt(0).toLowerCase() + room.slice(1) + method.charAt(0).toUpperCase() + method.slice(1);
}
