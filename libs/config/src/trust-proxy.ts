import { type Format, FormatError } from './format.js';
import { isAddressOrRange } from './network-address.js';
import { type TrustProxy } from './settings.js';

const MAX_HOPS = 32;

/** Whose `X-Forwarded-*` headers are believed. */
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
