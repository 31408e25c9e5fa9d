import { type Settings } from '#config';
import { NestFactory } from '@nestjs/core';
import { type NestFastifyApplication } from '@nestjs/platform-fastify';
import { AppModule } from './app.module.js';
import { configureHttp } from './http/configure-http.js';
import { createHttpAdapter } from './http/fastify-adapter.js';
import { createLogger } from './http/log/logger.js';
import { NestLogger } from './http/log/nest-logger.js';

/** The whole application, ready to listen. */
export async function createApp(settings: Settings, databaseUrl: string): Promise<NestFastifyApplication> {
  const logger = createLogger(settings);
  const app = await NestFactory.create<NestFastifyApplication>(
    AppModule.forRoot(settings, databaseUrl),
    createHttpAdapter(settings, logger),
    { logger: new NestLogger(logger), abortOnError: false },
  );
  configureHttp(app, settings);
  return app;
}
