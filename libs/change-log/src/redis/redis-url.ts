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

/** A REDIS_URL that cannot be read. The message never repeats it: it may hold a password. */
export class InvalidRedisUrl extends Error {
  readonly code = 'config.invalid_redis_url';
  override readonly name = 'InvalidRedisUrl';
}

const SHAPE =
  /^redis(?<tls>s)?(?:\+(?<kind>sentinel|cluster))?:\/\/(?:(?<user>[^:@/]*)(?::(?<password>[^@/]*))?@)?(?<nodes>[^/?#]+)(?:\/(?<path>[^?#]*))?$/;

/** The database; the name of the primary and the database; nothing, as a Cluster has but one database. */
const MOST_PATH_PARTS: Record<RedisTarget['kind'], number> = { standalone: 1, sentinel: 2, cluster: 0 };

/**
 * Reads the address of a Redis:
 *
 *     redis://[user:password@]host[:port][/db]
 *     redis+sentinel://[user:password@]host[:port],host[:port]/name[/db]
 *     redis+cluster://[user:password@]host[:port],host[:port]
 *
 * and the same with `rediss` for TLS.
 *
 * @throws InvalidRedisUrl
 */
export function parseRedisUrl(url: string): RedisTarget {
  const parts = SHAPE.exec(url)?.groups;
  if (!parts)
    throw new InvalidRedisUrl(
      'REDIS_URL is none of redis://, redis+sentinel:// and redis+cluster:// (or rediss…)',
    );
  const kind = (parts.kind ?? 'standalone') as RedisTarget['kind'];
  const nodes = parts.nodes!.split(',').map((node) => parseNode(node, kind === 'sentinel' ? 26_379 : 6_379));
  const credentials = {
    ...(parts.user ? { username: decode(parts.user) } : {}),
    ...(parts.password ? { password: decode(parts.password) } : {}),
  };
  const common = { tls: parts.tls !== undefined, nodes, credentials };
  const path = (parts.path ?? '').split('/').filter(Boolean);
  if (path.length > MOST_PATH_PARTS[kind])
    throw new InvalidRedisUrl('REDIS_URL has more of a path than it can mean');
  switch (kind) {
    case 'standalone':
      if (nodes.length > 1)
        throw new InvalidRedisUrl('REDIS_URL names several hosts: say redis+sentinel or redis+cluster');
      return { kind, ...common, db: parseDb(path[0]) };
    case 'sentinel':
      if (!path[0])
        throw new InvalidRedisUrl('REDIS_URL lacks the name of the primary: redis+sentinel://host/name');
      return { kind, ...common, name: decode(path[0]), db: parseDb(path[1]) };
    case 'cluster':
      return { kind, ...common };
  }
}

function parseNode(text: string, defaultPort: number): RedisNode {
  const match = /^(\[[0-9a-fA-F:.]+\]|[\w.-]+)(?::(\d{1,5}))?$/.exec(text);
  const port = match?.[2] === undefined ? defaultPort : Number(match[2]);
  if (!match || port < 1 || port > 65_535)
    throw new InvalidRedisUrl('REDIS_URL has a host that is not host or host:port');
  return { host: match[1]!.replace(/^\[|\]$/g, ''), port };
}

function parseDb(text: string | undefined): number {
  if (text === undefined) return 0;
  if (!/^\d{1,4}$/.test(text)) throw new InvalidRedisUrl('REDIS_URL has a database that is not a number');
  return Number(text);
}

function decode(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    throw new InvalidRedisUrl('REDIS_URL has a % that encodes nothing: percent-encode user and password');
  }
}
