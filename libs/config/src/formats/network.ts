import { isIP } from 'node:net';
import { type Format, FormatError } from './format.js';

const LABEL = /^[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?$/i;

/** What a server listens on: an IP address without brackets, or a host name; no port. */
export const listenAddress: Format<string> = {
  expects: 'an IP address or a host name, without a port, such as 127.0.0.1, 0.0.0.0, :: or localhost',
  parse(text) {
    if (isIP(text) === 0 && !isHostName(text)) throw new FormatError();
    return text;
  },
};

/** An IP address, or a CIDR range whose prefix is at least 1: what Fastify's proxy-addr accepts. */
export function isAddressOrRange(text: string): boolean {
  const [address = '', prefix, ...rest] = text.split('/');
  // A zone (`fe80::1%eth0`) names an interface of this machine, and means nothing in a list of peers.
  const family = address.includes('%') ? 0 : isIP(address);
  if (family === 0 || rest.length > 0) return false;
  if (prefix === undefined) return true;
  return /^[1-9]\d{0,2}$/.test(prefix) && Number(prefix) <= (family === 4 ? 32 : 128);
}

function isHostName(text: string): boolean {
  // Digits and dots alone are a mistyped IPv4 address, which a resolver would read in its own way.
  return text.length <= 253 && !/^[\d.]+$/.test(text) && text.split('.').every((label) => LABEL.test(label));
}

const MAX_HOPS = 32;

/** `false`: no peer; `true`: every peer; a number: that many hops; a list: these IP addresses and CIDR ranges. */
export type TrustProxy = boolean | number | string[];

/** The peers whose `X-Forwarded-*` headers are trusted. */
export const trustProxy: Format<TrustProxy> = {
  expects:
    `off, on, a number of proxy hops from 1 to ${MAX_HOPS}, ` +
    'or a comma-separated list of IP addresses and CIDR ranges such as 10.0.0.0/8,::1',
  parse(text) {
    if (text === 'off') return false;
    if (text === 'on') return true;
    if (/^\d+$/.test(text)) return hops(Number(text));

    const peers = text.split(',').map((peer) => peer.trim());
    const strange = peers.findIndex((peer) => !isAddressOrRange(peer));
    if (strange !== -1) throw new FormatError(`item ${strange + 1} is no address or range`);
    return peers;
  },
};

function hops(count: number): number {
  if (count < 1 || count > MAX_HOPS) throw new FormatError();
  return count;
}
