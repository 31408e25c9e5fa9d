import { NestFactory } from '@nestjs/core';
import { type NestFastifyApplication } from '@nestjs/platform-fastify';
import { type Settings } from '#config';
import { setupHttpPages, createHttpAdapter, createLogger, NestLogger } from '#http';
import { apiDescription } from './api-description.js';
import { AppModule } from './app.module.js';

/** The whole application, ready to listen. */
export async function createApp(settings: Settings, databaseUrl: string): Promise<NestFastifyApplication> {
  const logger = createLogger(settings);
  const app = await NestFactory.create<NestFastifyApplication>(
    AppModule.forRoot(settings, databaseUrl),
    createHttpAdapter(settings, logger),
    { logger: new NestLogger(logger), abortOnError: false },
  );
  setupHttpPages(app, settings, apiDescription);
  return app;
}
