import { type NestFastifyApplication } from '@nestjs/platform-fastify';
import { setupFrontPage } from '../docs/front-page.js';
import { type ApiDescription } from '../docs/openapi.js';
import { setupDocs } from '../docs/setup-docs.js';
import { type HttpSettings } from '../http-settings.js';

/** What main and tests do alike between creating the app, with `createHttpAdapter`, and listening. */
export function setupHttpPages(
  app: NestFastifyApplication,
  { docs }: Pick<HttpSettings, 'docs'>,
  description: ApiDescription,
): void {
  setupFrontPage(app, docs);
  if (docs) setupDocs(app, description);
}
