import { type FastifyInstance } from 'fastify';
import { pairs } from '../body/pairs.js';
import { InvalidText } from '../errors/request-errors.js';

const FAULT = Symbol('fault');

/** Names and values; a name given twice has both values in an array, which validation refuses. */
export interface Query {
  [name: string]: string | string[];
  /** Why the query string was not understood. */
  [FAULT]?: Error;
}

/** Never throws, because the router calls it outside of any error handling; `refuseBadTargets` throws for it. */
export function parseQueryString(text: string): Query {
  const query: Query = {};
  try {
    for (const [name, value] of pairs(text, 'query')) {
      const before = query[name];
      if (before === undefined) query[name] = value;
      else if (Array.isArray(before)) before.push(value);
      else query[name] = [before, value];
    }
  } catch (fault) {
    query[FAULT] = fault as Error;
  }
  return query;
}

/** Refuses queries that could not be parsed, and NUL in paths. (The router refuses malformed UTF-8 in paths.) */
export function refuseBadTargets(fastify: FastifyInstance): void {
  fastify.addHook('onRequest', (request, _reply, done) => {
    if (request.url.split('?', 1)[0]?.includes('%00')) return done(new InvalidText(['path']));
    done((request.query as Query)[FAULT]);
  });
}
