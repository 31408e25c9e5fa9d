import { Module } from '@nestjs/common';
import { APP_FILTER, APP_PIPE } from '@nestjs/core';
import { type NestFastifyApplication } from '@nestjs/platform-fastify';
import { setupFrontPage } from '../docs/front-page.js';
import { type ApiDescription } from '../docs/openapi.js';
import { setupDocs } from '../docs/setup-docs.js';
import { InputPipe } from '../input/input.pipe.js';
import { type HttpSettings } from './fastify-adapter.js';
import { ProblemFilter } from './problem-filter.js';

/** Validation and problem documents for every route. */
@Module({
  providers: [
    { provide: APP_PIPE, useClass: InputPipe },
    { provide: APP_FILTER, useClass: ProblemFilter },
  ],
})
export class HttpModule {}

/** The front page and the documentation. Call between creating the app and listening. */
export function setupHttpPages(
  app: NestFastifyApplication,
  { docs }: Pick<HttpSettings, 'docs'>,
  description: ApiDescription,
): void {
  setupFrontPage(app, docs);
  if (docs) setupDocs(app, description);
}
