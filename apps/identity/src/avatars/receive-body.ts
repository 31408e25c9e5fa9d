import { type IncomingMessage, type ServerResponse } from 'node:http';
import { ClientGone, DeadlinePassed } from '#http';

/**
 * Passes a body to `take` as it arrives, and always settles: with the last byte, when the connection closes, or when
 * the request has been answered, for example by its deadline.
 *
 * Not `for await (const chunk of raw)`: leaving it early destroys the connection before the client can be answered.
 *
 * @throws ClientGone, DeadlinePassed, and what `take` throws
 */
export function receiveBody(
  raw: IncomingMessage,
  reply: ServerResponse,
  take: (chunk: Buffer) => void,
): Promise<void> {
  return new Promise((resolve, reject) => {
    // The `close` event may have come while the guard waited, and does not come again.
    if (raw.destroyed || reply.closed) return reject(new ClientGone());
    const fail = (error: Error): void => {
      stop();
      reject(error);
    };
    const onData = (chunk: Buffer): void => {
      try {
        take(chunk);
      } catch (error) {
        fail(error as Error);
      }
    };
    const onEnd = (): void => {
      stop();
      resolve();
    };
    const onClose = (): void => fail(reply.writableFinished ? new DeadlinePassed() : new ClientGone());
    const stop = (): void => {
      raw.off('data', onData).off('end', onEnd).off('close', onClose);
      reply.off('close', onClose);
    };
    reply.on('close', onClose);
    raw.on('close', onClose).on('end', onEnd).on('data', onData);
  });
}

/** Lets a client that is a little over the limit finish, and read why it was refused. */
const MAX_DISCARDED_BYTES = 16 * 1024 * 1024;
const MAX_DISCARD_MS = 2_000;

/**
 * For a refused request: drops the rest of its body for a while, then the connection. Most clients do not read while
 * they send, so to stop reading at once would reset the connection before they see the response.
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
