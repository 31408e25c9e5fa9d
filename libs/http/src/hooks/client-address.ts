import { isIP } from 'node:net';
import { type FastifyInstance, type FastifyRequest } from 'fastify';

declare module 'fastify' {
  interface FastifyRequest {
    /**
     * The client's address as Fastify's `ip` had it when the request arrived: it follows TRUST_PROXY, and behind a
     * trusted proxy it can be any text. `ip` itself is undefined once the client has closed the connection, so limits,
     * sessions, the audit log and the request log read this. Empty if the client was gone before its request arrived.
     */
    remoteAddress: string;
  }
}

/** Before all other hooks: the socket may close while a hook waits. */
export function keepRemoteAddresses(fastify: FastifyInstance): void {
  fastify.decorateRequest('remoteAddress', '');
  fastify.addHook('onRequest', (request, _reply, done) => {
    keepRemoteAddress(request);
    done();
  });
}

/** For errors of the router, which come before all hooks. */
export function keepRemoteAddress(request: FastifyRequest): void {
  // eslint-disable-next-line no-restricted-properties -- the only place that reads it
  const { ip }: { readonly ip?: string } = request; // absent on a closed socket, though its type says otherwise
  request.remoteAddress = ip ?? '';
}

/** `192.0.2.7:50123` and `[2001:db8::7]:50123`, as Azure's and Microsoft's proxies write X-Forwarded-For. */
const WITH_PORT = /^(?:\[(?<v6>[^\]]+)\](?::\d+)?|(?<v4>[^:]+):\d+)$/;

/**
 * The address in a proxy's text about its client. Strips the port, or one client looks like many; and the zone, as in
 * `fe80::1%eth0`, which names our own network card.
 *
 * @param text `request.remoteAddress`
 * @returns `null` for text that is not an IP address
 */
export function clientAddress(text: string): string | null {
  const groups = WITH_PORT.exec(text)?.groups;
  const [address = ''] = (groups?.v6 ?? groups?.v4 ?? text).split('%', 1);
  return isIP(address) ? address : null;
}
