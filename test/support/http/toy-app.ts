import { type AddressInfo, connect } from 'node:net';
import { EventEmitter, once } from 'node:events';
import { text as textOf } from 'node:stream/consumers';
import {
  Body,
  type CanActivate,
  Controller,
  Delete,
  Get,
  Header,
  HttpCode,
  Injectable,
  Module,
  Param,
  Post,
  Query,
  ServiceUnavailableException,
  UseGuards,
} from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { type NestFastifyApplication } from '@nestjs/platform-fastify';
import supertest from 'supertest';
import {
  ApiProblems,
  setupHttpPages,
  Consumes,
  createHttpAdapter,
  createLogger,
  Deadline,
  EmailField,
  AppError,
  FORM,
  HttpModule,
  NestLogger,
  PhoneField,
  QueryIntegerField,
  WithETag,
  TextField,
  UuidField,
} from '#http';
import { ApiBearer } from '../../../apps/identity/src/access/api-bearer.js';
import { apiDescription } from '../../../apps/identity/src/bootstrap/api-description.js';

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

class Toy {
  @EmailField()
  email!: string;

  @TextField({ max: 10, description: 'Name.', example: 'Ada', optional: true, nullable: true })
  name?: string | null;

  @PhoneField({ optional: true })
  phone?: string;
}

class ToyPath {
  @UuidField()
  id!: string;
}

class ToySearch {
  @QueryIntegerField({ min: 1, max: 100, description: 'How many.', optional: true })
  limit?: number;
}

class TokenForm {
  @TextField({ max: 20, description: 'Grant.' })
  grant_type!: string;
}

class TokenRevoked extends AppError {
  readonly code = 'auth.token_revoked';
}

class Busy extends Error {
  readonly code = 'auth.busy';
  readonly retryAfterSeconds = 2.4;
}

class UnsupportedGrant extends AppError {
  readonly code = 'auth.unsupported_grant_type';
  override readonly extensions = {
    error: 'unsupported_grant_type',
    error_description: 'Use password.',
    status: 'x',
  };
}

@Injectable()
class HangingGuard implements CanActivate {
  canActivate(): Promise<boolean> {
    return new Promise(() => {});
  }
}

/** Emits `entered` when a handler waits, and lets it go on at `open`. */
export const gate = new EventEmitter();

@Controller('toys')
class ToysController {
  @Post()
  @ApiProblems(409, 422)
  make(@Body() toy: Toy): Toy {
    return toy;
  }

  @Get()
  search(@Query() search: ToySearch): ToySearch {
    return search;
  }

  @Get('kept')
  @WithETag()
  kept(): { kept: string } {
    return { kept: 'é' };
  }

  @Get('open')
  @Header('Cache-Control', 'public, max-age=60')
  open(): { open: true } {
    return { open: true };
  }

  @Get('boom')
  boom(): never {
    throw Object.assign(new Error('SELECT secret_hash FROM users\n{"level":30,"msg":"forged"}'), {
      query: 'SELECT secret_hash',
      parameters: ['$2b$12$hash'],
    });
  }

  @Get('revoked')
  revoked(): never {
    throw new TokenRevoked('The session "has" ended.');
  }

  @Get('busy')
  busy(): never {
    throw new Busy('Later.');
  }

  @Get('sick')
  sick(): never {
    throw new ServiceUnavailableException({ status: 'error', details: { database: { status: 'down' } } });
  }

  @Get('hanging')
  @Deadline(60)
  @UseGuards(HangingGuard)
  hanging(): string {
    return 'never';
  }

  @Get('late')
  @Deadline(60)
  async late(): Promise<{ late: true }> {
    const opened = once(gate, 'open');
    gate.emit('entered');
    await opened;
    return { late: true };
  }

  @Post('token')
  @HttpCode(200)
  @Consumes(FORM)
  token(@Body() form: TokenForm): TokenForm {
    if (form.grant_type === 'magic') throw new UnsupportedGrant('Grant not known.');
    return form;
  }

  @Get(':id')
  @ApiBearer()
  one(@Param() { id }: ToyPath): ToyPath {
    return { id };
  }

  @Delete(':id')
  @HttpCode(204)
  remove(@Param() _path: ToyPath): void {}
}

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
