import { type LoggerService } from '@nestjs/common';
import { type Logger } from 'pino';
import { loggedError } from '#runtime';

/** Nest logs every module and route here; a start should be a few lines. */
const CHATTY = new Set([
  'InstanceLoader',
  'NestFactory',
  'RouterExplorer',
  'RoutesResolver',
  'NestApplication',
]);

/** Nest also throws these errors to the code that starts the application, which prints them. */
const THROWN = new Set(['ExceptionHandler', 'NestApplication']);

/** Nest's logger on top of the process's own: one format, one level. */
export class NestLogger implements LoggerService {
  constructor(private readonly logger: Logger) {}

  log(message: unknown, ...rest: unknown[]): void {
    const context = contextOf(rest);
    this.write(CHATTY.has(context ?? '') ? 'debug' : 'info', message, context);
  }

  /** Nest passes `(message, stack?, context?)`, or the error itself as the message. */
  error(message: unknown, ...rest: unknown[]): void {
    const context = contextOf(rest);
    const level = THROWN.has(context ?? '') ? 'debug' : 'error';
    this.write(level, message, context, rest.length > 1 ? rest[0] : undefined);
  }

  warn(message: unknown, ...rest: unknown[]): void {
    this.write('warn', message, contextOf(rest));
  }

  debug(message: unknown, ...rest: unknown[]): void {
    this.write('debug', message, contextOf(rest));
  }

  verbose(message: unknown, ...rest: unknown[]): void {
    this.write('trace', message, contextOf(rest));
  }

  fatal(message: unknown, ...rest: unknown[]): void {
    this.write('fatal', message, contextOf(rest));
  }

  private write(
    level: 'trace' | 'debug' | 'info' | 'warn' | 'error' | 'fatal',
    message: unknown,
    context: string | undefined,
    stack?: unknown,
  ): void {
    if (message instanceof Error) this.logger[level]({ context, err: message }, loggedError(message).message);
    else if (typeof message === 'string') this.logger[level]({ context, stack }, message);
    else this.logger[level]({ context, stack, message }, 'message');
  }
}

function contextOf(rest: readonly unknown[]): string | undefined {
  const last = rest.at(-1);
  return typeof last === 'string' ? last : undefined;
}
