import { isIPv6 } from 'node:net';
import { clientAddress } from '#http';

/**
 * What one customer of a provider has at the least: an IPv4 address, or a /64 of IPv6, in which each machine may
 * take another address for every request (RFC 6177, RFC 8981). An IPv4 address written as IPv6 is the IPv4 address.
 *
 * @param address as `request.remoteAddress`; text that is no address is left as it is
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
  // The URL parser knows every way to write one, and writes it in one way.
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
