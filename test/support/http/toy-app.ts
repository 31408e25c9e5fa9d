import { type AddressInfo, connect } from 'node:net';
import { once } from 'node:events';
import { text as textOf } from 'node:stream/consumers';
import { Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { type NestFastifyApplication } from '@nestjs/platform-fastify';
import supertest from 'supertest';
import { setupHttpPages, createHttpAdapter, createLogger, HttpModule, NestLogger } from '#http';
import { apiDescription } from '../../../apps/identity/src/bootstrap/api-description.js';
import { ToysController } from './toys.controller.js';

/** What `createHttpAdapter` and `setupHttpPages` need to know. */
const SETTINGS = {
  nodeEnv: 'test',
  trustProxy: false,
  logLevel: 'info',
  docs: true,
  logAddresses: false,
  corsOrigins: ['https://app.example.com'],
} as const;

type Overrides = Partial<
  Parameters<typeof createLogger>[0] &
    Parameters<typeof createHttpAdapter>[0] &
    Parameters<typeof setupHttpPages>[1]
>;

@Module({ imports: [HttpModule], controllers: [ToysController] })
class ToyModule {}

/** A small application on the HTTP adapter, without database and users. */
export class ToyApp {
  private constructor(
    readonly app: NestFastifyApplication,
    /** What it has logged. */
    readonly lines: string[],
  ) {}

  static async start(overrides: Overrides = {}, host = '127.0.0.1'): Promise<ToyApp> {
    const settings = { ...SETTINGS, ...overrides };
    const lines: string[] = [];
    const logger = createLogger(settings, { write: (line) => lines.push(line) });
    const adapter = createHttpAdapter(settings, logger);
    const app = await NestFactory.create<NestFastifyApplication>(ToyModule, adapter, {
      logger: new NestLogger(logger),
    });
    setupHttpPages(app, settings, apiDescription);
    await app.listen(0, host);
    return new ToyApp(app, lines);
  }

  get port(): number {
    return (this.app.getHttpServer().address() as AddressInfo).port;
  }

  get http(): ReturnType<typeof supertest> {
    return supertest(`http://127.0.0.1:${this.port}`);
  }

  /** Sends a body to `POST /toys`. */
  post(body: string, type = 'application/json'): supertest.Test {
    return this.http.post('/toys').set('content-type', type).send(body);
  }

  /** Sends these bytes on a connection. @returns everything the server writes until it closes */
  async raw(bytes: string | Buffer, address = '127.0.0.1'): Promise<string> {
    const socket = connect(this.port, address);
    await once(socket, 'connect');
    socket.write(bytes);
    return textOf(socket);
  }

  requestLines(): Record<string, unknown>[] {
    return this.lines
      .map((line) => JSON.parse(line) as Record<string, unknown>)
      .filter(({ msg }) => msg === 'request');
  }

  async stop(): Promise<void> {
    await this.app.close();
  }
}
