import { createReadStream } from 'node:fs';
import { type NestFastifyApplication } from '@nestjs/platform-fastify';
import { type FastifyInstance, type FastifyReply } from 'fastify';
import { NotFound } from '../errors/request-errors.js';
import { redocScript, swaggerUiFile } from './asset-file.js';
import { type ApiDescription, buildOpenApi } from './openapi.js';
import { REDOC_PAGE, SWAGGER_PAGE, SWAGGER_START } from './pages.js';

/** Everything from our own origin. Both pages style themselves inline; Redoc searches in a worker made from a blob. */
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
    // Built when first asked for: the routes are all known by then, and a start need not wait.
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

const SCRIPT = 'text/javascript; charset=utf-8';

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
