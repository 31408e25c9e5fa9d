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

/** Goes before all other hooks: what awaits anything may come back to a closed socket. */
export function keepRemoteAddresses(fastify: FastifyInstance): void {
  fastify.decorateRequest('remoteAddress', '');
  fastify.addHook('onRequest', (request, _reply, done) => {
    keepRemoteAddress(request);
    done();
  });
}

/** For the router's own refusals, which come before any hook. */
export function keepRemoteAddress(request: FastifyRequest): void {
  // eslint-disable-next-line no-restricted-properties -- the one place that reads it
  const { ip }: { readonly ip?: string } = request; // absent on a closed socket, though its type says otherwise
  request.remoteAddress = ip ?? '';
}

/** `192.0.2.7:50123` and `[2001:db8::7]:50123`, as Azure's and Microsoft's proxies write X-Forwarded-For. */
const WITH_PORT = /^(?:\[(?<v6>[^\]]+)\](?::\d+)?|(?<v4>[^:]+):\d+)$/;

/**
 * The address in what a proxy says of its client: every connection has another port, and no client may be another one for
 * that. `fe80::1%eth0`: the name of our own network card is no part of anybody's address.
 *
 * @param text as `request.remoteAddress` has it
 * @returns `null`: it is no IP address
 */
export function clientAddress(text: string): string | null {
  const groups = WITH_PORT.exec(text)?.groups;
  const [address = ''] = (groups?.v6 ?? groups?.v4 ?? text).split('%', 1);
  return isIP(address) ? address : null;
}
