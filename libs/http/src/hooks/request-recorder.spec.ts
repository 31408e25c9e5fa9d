import { connect, type AddressInfo } from 'node:net';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { Controller, Get, Module, NotFoundException } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { type NestFastifyApplication } from '@nestjs/platform-fastify';
import { type FastifyReply, type FastifyRequest } from 'fastify';
import { Gate } from '../../../cache/test/gate.js';
import { Deadline } from './deadline.js';
import { createHttpAdapter } from '../adapter/fastify-adapter.js';
import { HttpModule } from '../adapter/http.module.js';
import { createLogger } from '../log/logger.js';

let handler: Gate;

@Controller()
class Waiting {
  @Get('good')
  @Deadline(20)
  async good(): Promise<{ ok: true }> {
    await handler.pass();
    return { ok: true };
  }

  @Get('bad')
  @Deadline(20)
  async bad(): Promise<never> {
    await handler.pass();
    throw new NotFoundException();
  }
}

@Module({ imports: [HttpModule], controllers: [Waiting] })
class WaitingModule {}

/** Records calls in order, and resolves when the test opens its gate. */
class FakeRecorder {
  readonly seen: string[] = [];
  gate: Gate | undefined;
  #told: (() => void) | undefined;

  record(request: FastifyRequest, reply: FastifyReply): Promise<void> | undefined {
    this.#see(`${request.problemCode ?? reply.statusCode}`);
    return this.gate?.pass();
  }

  recordLate(_request: FastifyRequest, code: string | undefined): void {
    this.#see(`late ${code ?? 'success'}`);
  }

  async until(count: number): Promise<void> {
    while (this.seen.length < count) await new Promise<void>((resolve) => (this.#told = resolve));
  }

  #see(what: string): void {
    this.seen.push(what);
    this.#told?.();
  }
}

describe('RequestRecorder', () => {
  let app: NestFastifyApplication;
  let recorder: FakeRecorder;
  let lines: Record<string, unknown>[];
  let onLine: (() => void) | undefined;

  beforeEach(async () => {
    handler = Gate.closed();
    recorder = new FakeRecorder();
    lines = [];
    const settings = {
      nodeEnv: 'test',
      trustProxy: false,
      logLevel: 'info',
      docs: false,
      logAddresses: false,
      corsOrigins: [],
    } as const;
    const logger = createLogger(settings, {
      write(line: string) {
        lines.push(JSON.parse(line) as Record<string, unknown>);
        onLine?.();
      },
    });
    const adapter = createHttpAdapter(settings, logger);
    app = await NestFactory.create<NestFastifyApplication>(WaitingModule, adapter, { logger: false });
    adapter.getInstance().requestRecorder = recorder;
    await app.listen(0, '127.0.0.1');
  });

  afterEach(() => app.close());

  const ask = async (path: string): Promise<number> => {
    const answer = await fetch(`${await app.getUrl()}/${path}`);
    await answer.text();
    return answer.status;
  };

  async function requestLine(): Promise<Record<string, unknown>> {
    for (;;) {
      const line = lines.find(({ msg }) => msg === 'request');
      if (line) return line;
      await new Promise<void>((resolve) => (onLine = resolve));
    }
  }

  it('RequestRecorder records a response before it is sent', async () => {
    recorder.gate = Gate.closed();
    handler.open();
    let status: number | undefined;
    const answer = ask('good').then((its) => (status = its));
    await recorder.until(1);
    await new Promise((resolve) => setImmediate(resolve));
    expect([recorder.seen, status]).toEqual([['200'], undefined]);
    recorder.gate.open();
    await answer;
    expect(status).toBe(200);
  });

  it('RequestRecorder records the outcome of a handler that finishes after its deadline', async () => {
    expect([await ask('good'), await ask('bad')]).toEqual([503, 503]);
    handler.open();
    await recorder.until(4);
    expect(recorder.seen.slice(0, 2)).toEqual(['request.deadline', 'request.deadline']);
    expect(recorder.seen.slice(2).sort()).toEqual(['late not_found', 'late success']);
  });

  it('RequestRecorder is not interrupted by a deadline or a late handler', async () => {
    recorder.gate = Gate.closed();
    const late = ask('good');
    await recorder.until(1); // the deadline has answered
    handler.open();
    await recorder.until(2);
    recorder.gate.open();
    expect(await late).toBe(503);

    recorder.gate = Gate.closed();
    const soon = ask('good');
    await recorder.until(3);
    await new Promise((resolve) => setTimeout(resolve, 40)); // the deadline passes meanwhile
    recorder.gate.open();
    expect(await soon).toBe(200);
    expect(recorder.seen).toEqual(['request.deadline', 'late success', '200']);
  });

  it('RequestRecorder records a request whose client left, and logs it in one line', async () => {
    const socket = connect((app.getHttpServer().address() as AddressInfo).port, '127.0.0.1');
    socket.write('GET /good HTTP/1.1\r\nHost: x\r\n\r\n');
    socket.once('connect', () => setImmediate(() => socket.destroy()));
    const line = await requestLine();
    expect(line).toMatchObject({ method: 'GET', route: '/good', aborted: true });
    expect(line).not.toHaveProperty('status');
    handler.open();
    await recorder.until(1);
    expect(recorder.seen).toEqual(['200']);
    await ask('nowhere');
    expect(lines.filter(({ msg }) => msg === 'request')).toEqual([
      line,
      expect.objectContaining({ status: 404 }),
    ]);
  });
});
