import { type FastifyInstance, type FastifyRequest } from 'fastify';
import { applyDecorators } from '@nestjs/common';
import { ApiConsumes } from '@nestjs/swagger';
import { UnsupportedMediaType } from '../errors/request-errors.js';
import { routeConfig } from '../hooks/route-config.js';
import { parseFormBody } from './form-body.js';
import { parseJsonBody } from './json-body.js';

export const JSON_TYPE = 'application/json';
export const FORM = 'application/x-www-form-urlencoded';

const JSON_ONLY: readonly string[] = [JSON_TYPE];
const BODYLESS = new Set(['GET', 'HEAD']);

/** The media types of a route's body; JSON without this decorator. */
export function Consumes(...types: string[]): MethodDecorator {
  return applyDecorators(ApiConsumes(...types), routeConfig({ consumes: types }));
}

/** Replaces Fastify's parsers, which accept duplicate names, deep nesting, invalid UTF-8 and text/plain. */
export function registerBodyParsers(fastify: FastifyInstance): void {
  fastify.removeAllContentTypeParsers();
  addParser(fastify, JSON_TYPE, parseJsonBody);
  addParser(fastify, FORM, parseFormBody);
}

function addParser(fastify: FastifyInstance, type: string, parse: (bytes: Buffer) => unknown): void {
  fastify.addContentTypeParser<Buffer>(type, { parseAs: 'buffer' }, (_request, bytes, done) => {
    try {
      done(null, parse(bytes));
    } catch (error) {
      done(error as Error);
    }
  });
}

/** Refuses bodies of another type, charset or coding before a byte is read. */
export function refuseOtherMediaTypes(fastify: FastifyInstance): void {
  fastify.addHook('onRequest', (request, _reply, done) => {
    done(BODYLESS.has(request.method) || !hasBody(request) ? undefined : refusal(request));
  });
}

function refusal(request: FastifyRequest): UnsupportedMediaType | undefined {
  const coding = request.headers['content-encoding'];
  if (coding !== undefined && coding.toLowerCase() !== 'identity') {
    return new UnsupportedMediaType('Send the body without Content-Encoding.');
  }
  const accepted = request.routeOptions.config.consumes ?? JSON_ONLY;
  if (accepted.includes(request.mediaType ?? '') && isUtf8(request.headers['content-type'] ?? ''))
    return undefined;
  return UnsupportedMediaType.expecting(accepted);
}

function hasBody({ headers }: FastifyRequest): boolean {
  if (headers['transfer-encoding'] !== undefined) return true;
  return headers['content-length'] !== undefined && headers['content-length'] !== '0';
}

function isUtf8(contentType: string): boolean {
  const charset = /;\s*charset\s*=\s*"?([^\s";]*)/i.exec(contentType)?.[1];
  return charset === undefined || /^utf-?8$/i.test(charset);
}
