import { isIP } from 'node:net';

/** `192.0.2.7:50123` and `[2001:db8::7]:50123`, as Azure's and Microsoft's proxies write X-Forwarded-For. */
const WITH_PORT = /^(?:\[(?<v6>[^\]]+)\](?::\d+)?|(?<v4>[^:]+):\d+)$/;

/**
 * The address in what a proxy says of its client: every connection has another port, and no client may be another one for
 * that. `fe80::1%eth0`: the name of our own network card is no part of anybody's address.
 *
 * @param text as Fastify's `request.ip` has it; behind a trusted proxy that can be anything
 * @returns `null`: it is no IP address
 */
export function clientAddress(text: string): string | null {
  const groups = WITH_PORT.exec(text)?.groups;
  const [address = ''] = (groups?.v6 ?? groups?.v4 ?? text).split('%', 1);
  return isIP(address) ? address : null;
}
