import { isHost, partsOf } from './connection-url.js';
import { type Format, FormatError } from './format.js';

export interface RedisNode {
  host: string;
  port: number;
}

interface Common {
  readonly tls: boolean;
  readonly nodes: readonly RedisNode[];
  readonly credentials: { username?: string; password?: string };
}

export type RedisTarget =
  | (Common & { kind: 'standalone'; db: number })
  | (Common & { kind: 'sentinel'; name: string; db: number })
  | (Common & { kind: 'cluster' });

export const redisUrl: Format<string> = {
  expects:
    'a URL such as redis://user:password@host:6379/0, redis+sentinel://host:26379,host:26379/primary or ' +
    'redis+cluster://host:6379,host:6379 (rediss… for TLS), with the password percent-encoded',
  parse(text) {
    parseRedisUrl(text);
    return text;
  },
};

/**
 * Reads the address of a Redis:
 *
 *     redis://[user:password@]host[:port][/db]
 *     redis+sentinel://[user:password@]host[:port],host[:port]/name[/db]
 *     redis+cluster://[user:password@]host[:port],host[:port]
 *
 * and the same with `rediss` for TLS.
 *
 * @throws FormatError
 */
export function parseRedisUrl(url: string): RedisTarget {
  const { scheme, user, hosts, path, query } = partsOf(url);
  const [protocol, kind] = scheme.split(/\+(.*)/s);
  if (!['redis', 'rediss'].includes(protocol!) || query !== '') throw new FormatError();
  const common = {
    tls: protocol === 'rediss',
    nodes: hosts.split(',').map((node) => parseNode(node, kind === 'sentinel' ? 26_379 : 6_379)),
    credentials: parseCredentials(user),
  };
  switch (kind) {
    case undefined:
      if (common.nodes.length > 1)
        throw new FormatError('several hosts need redis+sentinel or redis+cluster');
      return { kind: 'standalone', ...common, db: parseDb(/^\/?(\d{0,4})$/.exec(path)?.[1]) };
    case 'sentinel': {
      const [, name, db = ''] = /^\/([^/]+)(?:\/(\d{0,4}))?$/.exec(path) ?? [];
      if (name === undefined)
        throw new FormatError(
          'redis+sentinel needs the name of the primary and, at most, a database after it',
        );
      return { kind, ...common, name: decode(name), db: parseDb(db) };
    }
    case 'cluster':
      // A Cluster has one database.
      if (path !== '' && path !== '/') throw new FormatError();
      return { kind, ...common };
    default:
      throw new FormatError();
  }
}

function parseNode(text: string, defaultPort: number): RedisNode {
  if (!isHost(text)) throw new FormatError();
  const [, host, port] = /^\[?(.*?)\]?(?::(\d+))?$/.exec(text)!;
  return { host: host!, port: port === undefined ? defaultPort : Number(port) };
}

function parseCredentials(user = ''): RedisTarget['credentials'] {
  const [username, password] = user.split(/:(.*)/s);
  return {
    ...(username ? { username: decode(username) } : {}),
    ...(password ? { password: decode(password) } : {}),
  };
}

function parseDb(text: string | undefined): number {
  if (text === undefined) throw new FormatError();
  return Number(text);
}

function decode(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    throw new FormatError();
  }
}
