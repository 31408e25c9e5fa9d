import { createReadStream, existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { fileURLToPath } from 'node:url';
import { type NestFastifyApplication } from '@nestjs/platform-fastify';
import { type FastifyInstance, type FastifyReply } from 'fastify';
import { NotFound } from '../errors/request-errors.js';
import { type ApiDescription, buildOpenApi } from './openapi.js';
import { REDOC_PAGE, SWAGGER_PAGE, SWAGGER_START } from './pages.js';

const require = createRequire(import.meta.url);
const SCRIPT = 'text/javascript; charset=utf-8';

/** Redoc's footer loads this logo from an external server; without it Redoc shows none. */
const LOGO = 'https://cdn.redoc.ly/redoc/logo-mini.svg';
const NO_LOGO = 'data:,';

/** Everything comes from this origin. Both pages use inline styles; Redoc searches in a worker made from a blob. */
const PAGES_POLICY = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self' 'unsafe-inline'",
  "img-src 'self' data:",
  "font-src 'self' data:",
  "connect-src 'self'",
  'worker-src blob:',
  "form-action 'self'",
  "base-uri 'none'",
  "frame-ancestors 'none'",
].join('; ');

/** `/openapi.json`, `/docs` and `/redoc`. Call before the app is initialised. */
export function setupDocs(app: NestFastifyApplication, description: ApiDescription): void {
  let openApi: string | undefined;
  let redoc: Promise<string | undefined> | undefined;
  const fastify = app.getHttpAdapter().getInstance();

  void fastify.register((docs, _options, done) => {
    docs.addHook('onRequest', (_request, reply, next) => {
      void reply.header('content-security-policy', PAGES_POLICY);
      next();
    });
    // Built at the first request: all routes are known by then, and the start does not wait for it.
    docs.get('/openapi.json', (_request, reply) =>
      reply.type('application/json').send((openApi ??= JSON.stringify(buildOpenApi(app, description)))),
    );
    docs.get('/docs', (_request, reply) => reply.type('text/html; charset=utf-8').send(SWAGGER_PAGE));
    docs.get('/docs/start.js', (_request, reply) => reply.type(SCRIPT).send(SWAGGER_START));
    docs.get('/redoc', (_request, reply) => reply.type('text/html; charset=utf-8').send(REDOC_PAGE));

    sendFile(docs, '/docs/swagger-ui.css', 'text/css; charset=utf-8', swaggerUiFile('swagger-ui.css'));
    sendFile(docs, '/docs/swagger-ui-bundle.js', SCRIPT, swaggerUiFile('swagger-ui-bundle.js'));
    sendFile(docs, '/docs/favicon-32x32.png', 'image/png', swaggerUiFile('favicon-32x32.png'));
    docs.get('/redoc/redoc.standalone.js', async (_request, reply) =>
      asAsset(reply, SCRIPT).send(found(await (redoc ??= redocScript()))),
    );
    done();
  });
}

function sendFile(docs: FastifyInstance, url: string, type: string, file: string | undefined): void {
  docs.get(url, (_request, reply) => asAsset(reply, type).send(createReadStream(found(file))));
}

function asAsset(reply: FastifyReply, type: string): FastifyReply {
  return reply.type(type).header('cache-control', 'public, max-age=3600');
}

function found(asset: string | undefined): string {
  if (asset === undefined) throw new NotFound('This asset was not installed with the service.');
  return asset;
}

/** Swagger UI is a dependency of @nestjs/swagger and is resolved from there. */
function swaggerUiFile(name: string): string | undefined {
  return resolve(createRequire(require.resolve('@nestjs/swagger')), `swagger-ui-dist/${name}`);
}

/** @returns `undefined` when Redoc is not installed */
async function redocScript(): Promise<string | undefined> {
  const file = redocFile();
  return file === undefined ? undefined : (await readFile(file, 'utf8')).replace(LOGO, NO_LOGO);
}

/** Redoc is a development dependency: a build has a copy in `dist/assets`, a checkout has the package. */
function redocFile(): string | undefined {
  const built = fileURLToPath(new URL('../../../../assets/redoc.standalone.js', import.meta.url));
  return existsSync(built) ? built : resolve(require, 'redoc/bundles/redoc.standalone.js');
}

function resolve(from: NodeJS.Require, file: string): string | undefined {
  try {
    return from.resolve(file);
  } catch {
    return undefined;
  }
}
