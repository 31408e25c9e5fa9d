import { once } from 'node:events';
import { type AddressInfo, createServer } from 'node:net';

/** `wanted`, when that is free on 127.0.0.1, else a port that the operating system picks. */
export async function freePort(wanted?: number): Promise<number> {
  return (wanted && (await tryPort(wanted))) || tryPort(0);
}

async function tryPort(port: number): Promise<number> {
  const probe = createServer();
  try {
    probe.listen(port, '127.0.0.1');
    await once(probe, 'listening');
    return (probe.address() as AddressInfo).port;
  } catch (error) {
    if (port === 0) throw error;
    return 0;
  } finally {
    probe.close();
  }
}
