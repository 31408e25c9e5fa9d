import { type FastifyInstance } from 'fastify';
import { pairs } from './form-body.js';
import { InvalidText } from '../errors/request-errors.js';

const ERROR = Symbol('error');

/** Names and values; a name given twice has both values in an array, which validation refuses. */
export interface Query {
  [name: string]: string | string[];
  /** Why parsing the query string failed. */
  [ERROR]?: Error;
}

/** Never throws: the router calls it outside of all error handling. `refuseBadTargets` passes its error on. */
export function parseQueryString(text: string): Query {
  const query: Query = {};
  try {
    for (const [name, value] of pairs(text, 'query')) {
      const before = query[name];
      if (before === undefined) query[name] = value;
      else if (Array.isArray(before)) before.push(value);
      else query[name] = [before, value];
    }
  } catch (error) {
    query[ERROR] = error as Error;
  }
  return query;
}

/** Refuses malformed query strings, and NUL in paths. (The router refuses malformed UTF-8 in paths.) */
export function refuseBadTargets(fastify: FastifyInstance): void {
  fastify.addHook('onRequest', (request, _reply, done) => {
    if (request.url.split('?', 1)[0]?.includes('%00')) return done(new InvalidText(['path']));
    done((request.query as Query)[ERROR]);
  });
}
