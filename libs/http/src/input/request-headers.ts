import { type FastifyInstance, type FastifyRequest } from 'fastify';
import {
  ExpectationFailed,
  InvalidHeaders,
  TooManyHeaders,
  UnsupportedTransferCoding,
} from '../errors/request-errors.js';

/** Apache's limit. Node keeps the first 1,000 and silently drops the rest. */
const MAX_HEADERS = 100;

/** Node takes the first of two lines; a proxy in front may have used the second. */
const SINGLE = new Set(['authorization', 'content-type', 'host']);
const LENGTHS = new Set([...SINGLE].map((name) => name.length));

/** Refuses headers that two parsers could read in different ways (RFC 9112, sections 3.2 and 6.1). */
export function refuseBadHeaders(fastify: FastifyInstance): void {
  fastify.addHook('onRequest', (request, _reply, done) => done(refusal(request)));
}

function refusal({ raw, headers }: FastifyRequest): Error | undefined {
  const { rawHeaders, httpVersion } = raw;
  if (rawHeaders.length > 2 * MAX_HEADERS) return new TooManyHeaders(MAX_HEADERS);
  const repeated = repeatedName(rawHeaders);
  if (repeated !== undefined) return new InvalidHeaders(`The header ${repeated} is given more than once.`);
  if (headers.host === undefined && httpVersion === '1.1') return new InvalidHeaders('Send a Host header.');

  const coding = headers['transfer-encoding'];
  if (coding !== undefined && httpVersion === '1.0') {
    return new InvalidHeaders('HTTP/1.0 has no Transfer-Encoding.', { connection: 'close' });
  }
  if (coding !== undefined && coding.toLowerCase() !== 'chunked') return new UnsupportedTransferCoding();
  const { expect } = headers;
  if (expect !== undefined && expect.toLowerCase() !== '100-continue') return new ExpectationFailed();
  return undefined;
}

/** @param lines name, value, name, value, … as received */
function repeatedName(lines: readonly string[]): string | undefined {
  let seen = '';
  for (let index = 0; index < lines.length; index += 2) {
    const line = lines[index]!;
    if (!LENGTHS.has(line.length)) continue;
    const name = line.toLowerCase();
    if (!SINGLE.has(name)) continue;
    if (seen.includes(`${name}\n`)) return name;
    seen += `${name}\n`;
  }
  return undefined;
}
