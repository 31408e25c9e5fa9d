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
