import { type IncomingMessage, type ServerResponse } from 'node:http';
import { ClientGone, DeadlinePassed } from '#http';

/**
 * Hands over a body as it comes, and always settles: with the last byte, when the connection closes,
 * or when the request has been answered, by its deadline for instance.
 *
 * Not `for await (const chunk of raw)`, which destroys the connection when left early: nobody could be told why.
 *
 * @throws ClientGone, DeadlinePassed, and what `take` throws
 */
export function receiveBody(
  raw: IncomingMessage,
  reply: ServerResponse,
  take: (chunk: Buffer) => void,
): Promise<void> {
  return new Promise((resolve, reject) => {
    // Its `close` may have come while the guard waited, and does not come again.
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
