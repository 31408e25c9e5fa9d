import { type Server, STATUS_CODES } from 'node:http';
import { type ConnectionError, type FastifyInstance } from 'fastify';
import { type Socket } from 'node:net';
import { RESPONSE_HEADERS } from './response-headers.js';
import { ERROR_STATUSES } from '../errors/error-statuses.js';
import { PROBLEM_MEDIA_TYPE } from '../errors/problem-response.js';

/** Node's codes for HTTP that did not become a request. */
const CODES: Readonly<Record<string, string>> = {
  ERR_HTTP_REQUEST_TIMEOUT: 'request.timeout',
  HPE_HEADER_OVERFLOW: 'request.headers_too_large',
};

/**
 * Node answers two kinds of requests by itself, with a bare status: those that it cannot parse, and those with an unknown
 * `Expect`. Here the first get a problem document, and the second go through the hooks, which refuse them.
 *
 * For `localhost` Fastify starts one server per address and prepares only the first.
 */
export function answerMalformedRequests(fastify: FastifyInstance): void {
  answerExpectations(fastify.server);
  fastify.addHook('onListen', (done) => {
    for (const server of serversOf(fastify)) {
      if (server === fastify.server) continue;
      answerExpectations(server);
      server.on('clientError', answerClientError);
    }
    done();
  });
}

function answerExpectations(server: Server): void {
  server.on('checkExpectation', (request, response) => void server.emit('request', request, response));
}

/** Fastify exposes them only under a symbol. */
function serversOf(fastify: FastifyInstance): Server[] {
  const symbol = Object.getOwnPropertySymbols(fastify).find(
    ({ description }) => description === 'fastify.serverBindings',
  );
  return symbol ? (fastify as unknown as Record<symbol, Server[]>)[symbol]! : [];
}

/** Answers malformed or too slow HTTP: there is no request yet, so the response is written to the socket. */
export function answerClientError(error: ConnectionError, socket: Socket): void {
  if (error.code === 'ECONNRESET' || socket.destroyed) return;
  if (socket.writable && !responseHasBegun(socket))
    socket.write(rawResponse(CODES[error.code] ?? 'request.malformed'));
  socket.destroySoon();
}

/** A second response in the middle of the first would be read as part of it. */
function responseHasBegun(socket: Socket): boolean {
  const { _httpMessage } = socket as Socket & { _httpMessage?: { headersSent: boolean } | null };
  return _httpMessage?.headersSent === true;
}

function rawResponse(code: string): string {
  const { status = 400, title = 'Malformed HTTP' } = ERROR_STATUSES[code] ?? {};
  const body = JSON.stringify({
    type: `urn:usher:problem:${code}`,
    title,
    status,
    detail: `${title}.`,
    code,
  });
  const headers = {
    ...RESPONSE_HEADERS,
    'content-type': PROBLEM_MEDIA_TYPE,
    'content-length': String(Buffer.byteLength(body)),
    connection: 'close',
  };
  const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`);
  return `HTTP/1.1 ${status} ${STATUS_CODES[status]}\r\n${lines.join('')}\r\n${body}`;
}
