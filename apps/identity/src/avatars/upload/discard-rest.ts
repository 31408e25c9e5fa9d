import { type IncomingMessage } from 'node:http';

/** Enough for a client that is a little over the limit to finish, and to read why it was refused. */
const MAX_DISCARDED_BYTES = 16 * 1024 * 1024;
const MAX_DISCARD_MS = 2_000;

/**
 * The request is refused and being answered; what still comes of it is dropped for a while, then the connection. To
 * stop reading at once would be a reset for most clients, which read no answer while they send.
 */
export function discardRest(raw: IncomingMessage): void {
  if (raw.complete || raw.destroyed) return;
  const cutOff = setTimeout(() => raw.destroy(), MAX_DISCARD_MS).unref();
  let bytes = 0;
  raw.unpipe();
  raw.on('error', () => undefined);
  raw.on('data', (chunk: Buffer) => {
    bytes += chunk.length;
    if (bytes > MAX_DISCARDED_BYTES) raw.destroy();
  });
  raw.once('end', () => clearTimeout(cutOff));
  raw.once('close', () => clearTimeout(cutOff));
  raw.resume();
}
