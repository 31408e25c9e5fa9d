import 'reflect-metadata';
import { readSettings } from '#config';
import { NestFactory } from '@nestjs/core';
import { type NestFastifyApplication } from '@nestjs/platform-fastify';
import process from 'node:process';
import { apiDescription } from './bootstrap/api-description.js';
import { AppModule } from './bootstrap/app.module.js';
import { buildOpenApi, createHttpAdapter } from '#http';

/** Prints the OpenAPI document. Needs no database: in preview mode Nest reads the classes and creates no instances. */
const settings = readSettings({ NODE_ENV: 'test', LOG_LEVEL: 'silent' });
const app = await NestFactory.create<NestFastifyApplication>(
  AppModule.forRoot(settings, 'postgres://nobody@127.0.0.1/none'),
  createHttpAdapter(settings),
  { preview: true, logger: false, abortOnError: false },
);
process.stdout.write(`${JSON.stringify(buildOpenApi(app, apiDescription), undefined, 2)}\n`);
