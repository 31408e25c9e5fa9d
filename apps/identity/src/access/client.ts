import { isIPv6 } from 'node:net';
import { type FastifyRequest } from 'fastify';
import { clientAddress, InvalidInput } from '#http';

/** Where a request comes from. */
export interface Client {
  /**
   * An IP address: the peer's, or its client's if the peer is a trusted proxy (null if the proxy sent something else), or
   * the one named by a service that logs users in. Shown to the owner of a session; nothing is decided by it.
   */
  readonly address: string | null;
  /** `User-Agent`, at most 255 characters, without characters that cannot be stored or would forge a log line. */
  readonly device: string | null;
  /** What limits count by; see `networkOf`. */
  readonly network: string;
  /** A service logs users in without naming their address: its own network is never trusted as theirs. */
  readonly isGateway: boolean;
}

/** A service with the privilege `login` names the address of its client in this header; from others it is ignored. */
export const CLIENT_ADDRESS_HEADER = 'usher-client-address';

/** An IPv6 address in brackets with a zone and a port is shorter. */
const MAX_HEADER_CHARACTERS = 100;

declare module 'fastify' {
  interface FastifyRequest {
    /** Set by the rate limiter for a gateway, else at the first call of `clientOf()`. */
    client?: Client;
  }
}

export function clientOf(request: FastifyRequest): Client {
  return (request.client ??= clientAt(request.remoteAddress, request.headers['user-agent']));
}

/**
 * The client that a gateway names, or the gateway itself if it names none.
 *
 * @throws InvalidInput unless the header is one IP address: counted as text, each misspelling would be another client
 */
export function clientOfGateway(request: FastifyRequest): Client {
  const text = request.headers[CLIENT_ADDRESS_HEADER];
  if (text === undefined) return { ...clientOf(request), isGateway: true };
  const address =
    typeof text === 'string' && text.length <= MAX_HEADER_CHARACTERS ? clientAddress(text) : null;
  if (address !== null) return clientAt(address, request.headers['user-agent']);
  throw new InvalidInput([
    { loc: ['header', CLIENT_ADDRESS_HEADER], msg: 'Input should be one IP address', type: 'ip_address' },
  ]);
}

/** @param address as `request.remoteAddress` */
export function clientAt(address: string, userAgent = ''): Client {
  const device = userAgent
    .replace(/[\p{Cc}\p{Cf}\p{Cs}]/gu, '')
    .trim()
    .slice(0, 255);
  return {
    address: clientAddress(address),
    device: device === '' ? null : device,
    network: networkOf(address),
    isGateway: false,
  };
}

/**
 * The least that one customer of a provider has: an IPv4 address, or a /64 of IPv6, in which each machine may use another
 * address for every request (RFC 6177, RFC 8981). An IPv4-mapped IPv6 address counts as the IPv4 address.
 *
 * @param address as `request.remoteAddress`; text that is not an address is returned unchanged
 */
export function networkOf(address: string): string {
  const bare = clientAddress(address);
  if (bare === null || !isIPv6(bare)) return bare ?? address;
  const groups = groupsOf(bare);
  if (groups.slice(0, 5).every((group) => group === 0) && groups[5] === 0xffff) {
    return groups.slice(6).flatMap(bytesOf).join('.');
  }
  const prefix = groups.slice(0, 4).map((group) => group.toString(16));
  return `${prefix.join(':')}::/64`;
}

/** The eight numbers of an IPv6 address. */
function groupsOf(address: string): number[] {
  // The URL parser accepts every notation and returns the canonical one.
  const { hostname } = new URL(`http://[${address}]`);
  const [left = [], right] = hostname
    .slice(1, -1)
    .split('::')
    .map((half) => half.split(':').filter(Boolean));
  const zeros = right === undefined ? 0 : 8 - left.length - right.length;
  const all = [...left, ...Array<string>(zeros).fill('0'), ...(right ?? [])];
  return all.map((group) => Number.parseInt(group, 16));
}

function bytesOf(group: number): number[] {
  return [group >> 8, group & 0xff];
}
