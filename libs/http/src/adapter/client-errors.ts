import { STATUS_CODES } from 'node:http';
import { type Socket } from 'node:net';
import { type ConnectionError } from 'fastify';
import { RESPONSE_HEADERS } from '../answer-headers.js';
import { ERROR_STATUSES } from '../errors/error-statuses.js';
import { PROBLEM_MEDIA_TYPE } from '../errors/problem.js';

/** Node's codes for HTTP that never became a request. */
const CODES: Readonly<Record<string, string>> = {
  ERR_HTTP_REQUEST_TIMEOUT: 'request.timeout',
  HPE_HEADER_OVERFLOW: 'request.headers_too_large',
};

/** Answers malformed and too slow HTTP: there is no request yet, so the answer is written to the socket by hand. */
export function answerClientError(error: ConnectionError, socket: Socket): void {
  if (error.code === 'ECONNRESET' || socket.destroyed) return;
  if (socket.writable && !answerHasBegun(socket))
    socket.write(rawAnswer(CODES[error.code] ?? 'request.malformed'));
  socket.destroySoon();
}

/** A second answer in the middle of the first would be read as part of it. */
function answerHasBegun(socket: Socket): boolean {
  const { _httpMessage } = socket as Socket & { _httpMessage?: { headersSent: boolean } | null };
  return _httpMessage?.headersSent === true;
}

function rawAnswer(code: string): string {
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
