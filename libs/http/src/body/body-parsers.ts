import { type FastifyInstance } from 'fastify';
import { parseFormBody } from './form-body.js';
import { parseJsonBody } from './json-body.js';
import { FORM, JSON_TYPE } from './media-types.js';

/** Ours instead of Fastify's, which let duplicates, depth and invalid UTF-8 through and read text/plain. */
export function registerBodyParsers(fastify: FastifyInstance): void {
  fastify.removeAllContentTypeParsers();
  addParser(fastify, JSON_TYPE, parseJsonBody);
  addParser(fastify, FORM, parseFormBody);
}

function addParser(fastify: FastifyInstance, type: string, parse: (bytes: Buffer) => unknown): void {
  fastify.addContentTypeParser<Buffer>(type, { parseAs: 'buffer' }, (_request, bytes, done) => {
    try {
      done(null, parse(bytes));
    } catch (fault) {
      done(fault as Error);
    }
  });
}
