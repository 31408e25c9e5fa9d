import { type INestApplication } from '@nestjs/common';
import { DocumentBuilder, type OpenAPIObject, SwaggerModule } from '@nestjs/swagger';
import { BEARER_SCHEME, PASSWORD_SCHEME } from './api-bearer.js';
import { packageVersion } from './package-version.js';

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
    .addOAuth2(
      { type: 'oauth2', flows: { password: { tokenUrl: '/auth/token', scopes: {} } } },
      PASSWORD_SCHEME,
    )
    .addBearerAuth({ type: 'http', scheme: 'bearer', bearerFormat: 'JWT' }, BEARER_SCHEME)
    .build();
  return SwaggerModule.createDocument(app, config, {
    operationIdFactory: (controller, method) => `${controller.replace(/Controller$/, '')}_${method}`,
  });
}
