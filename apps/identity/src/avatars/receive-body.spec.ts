import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { connect, type AddressInfo, type Socket } from 'node:net';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { receiveBody } from './receive-body.js';

describe('receiveBody', () => {
  let server: Server;
  let socket: Socket;
  let raw: IncomingMessage;
  let reply: ServerResponse;
  let taken: string;

  /** Of a body of ten bytes, five have been sent. */
  beforeEach(async () => {
    taken = '';
    server = createServer();
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const arrived = new Promise<void>((resolve) =>
      server.once('request', (...both: [IncomingMessage, ServerResponse]) => {
        [raw, reply] = both;
        resolve();
      }),
    );
    socket = connect((server.address() as AddressInfo).port, '127.0.0.1').on('error', () => undefined);
    socket.resume().write('POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\n12345');
    await arrived;
  });

  afterEach(() => {
    socket.destroy();
    server.close();
  });

  const receive = (take = (chunk: Buffer): void => void (taken += chunk.toString())): Promise<void> =>
    receiveBody(raw, reply, take);
  const listeners = (): number =>
    ['data', 'end', 'close'].reduce((sum, event) => sum + raw.listenerCount(event), 0);

  it('receiveBody passes on the whole body, and leaves no listener', async () => {
    const before = listeners();
    const received = receive();
    socket.write('67890');
    await received;
    expect([taken, listeners()]).toEqual(['1234567890', before]);
  });

  it('receiveBody rejects when the connection closes, before or during the wait', async () => {
    const received = receive();
    socket.destroy();
    await expect(received).rejects.toMatchObject({ code: 'request.aborted' });
    await expect(receive()).rejects.toMatchObject({ code: 'request.aborted' });
  });

  it('receiveBody rejects when the request is answered meanwhile', async () => {
    const received = receive();
    reply.end('too late');
    await expect(received).rejects.toMatchObject({ code: 'request.deadline' });
  });

  it('receiveBody rejects with the error of the callback, and stops reading', async () => {
    const before = listeners();
    const received = receive(() => {
      taken += 'once';
      throw new RangeError('full');
    });
    await expect(received).rejects.toThrow('full');
    socket.write('67890');
    expect([taken, listeners()]).toEqual(['once', before]);
  });
});
