import { type NestFastifyApplication } from '@nestjs/platform-fastify';
import { packageVersion } from '#runtime';

const NAME = 'Usher';

/** `/`: the service's name, version and links. HTML for browsers, JSON for everything else. */
export function setupFrontPage(app: NestFastifyApplication, docs: boolean): void {
  const links = { ...(docs && { docs: '/docs', openapi: '/openapi.json' }), health: '/health' };
  const version = packageVersion();
  const json = JSON.stringify({ name: NAME, version, links });
  const page = frontPage(version, Object.values(links));

  app
    .getHttpAdapter()
    .getInstance()
    .get('/', { config: { open: true } }, (request, reply) => {
      void reply.header('vary', 'Accept');
      return prefersHtml(request.headers.accept)
        ? reply.type('text/html; charset=utf-8').send(page)
        : reply.type('application/json; charset=utf-8').send(json);
    });
}

/** Links are relative, so that the page works behind a proxy's prefix too. */
function frontPage(version: string, paths: readonly string[]): string {
  const items = paths.map((path) => `      <li><a href="${path.slice(1)}">${path}</a></li>`);
  return `<!doctype html>
<html lang="en">
  <head>
    <meta charset="utf-8">
    <meta name="viewport" content="width=device-width, initial-scale=1">
    <title>${NAME}</title>
  </head>
  <body>
    <h1>${NAME} ${version}</h1>
    <p>An authentication and users service.</p>
    <ul>
${items.join('\n')}
    </ul>
  </body>
</html>
`;
}

/** Browsers rank HTML first; programs ask for JSON or accept anything. */
function prefersHtml(accept = '*/*'): boolean {
  const weights = new Map(accept.toLowerCase().split(',').map(weighted));
  return weightOf('text/html', weights) > weightOf('application/json', weights);
}

/** RFC 9110, section 12.5.1: the most specific range wins. */
function weightOf(type: string, weights: ReadonlyMap<string, number>): number {
  const family = `${type.slice(0, type.indexOf('/'))}/*`;
  return weights.get(type) ?? weights.get(family) ?? weights.get('*/*') ?? 0;
}

/** `text/html;q=0.8` */
function weighted(range: string): [name: string, weight: number] {
  const [name = '', ...parameters] = range.split(';').map((word) => word.trim());
  const weight = parameters.find((parameter) => parameter.startsWith('q='));
  return [name, weight === undefined ? 1 : Number(weight.slice(2)) || 0];
}
