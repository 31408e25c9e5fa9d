import { PortClaim } from '../network/port-claim.js';
import { RedisServer, SERVERS_AGREE } from './redis-server.js';
import { eventually } from '../time/eventually.js';

const PRIMARIES = 3;
const SLOTS = 16_384;

/** `[first, last, [ip, port, id, …] of the primary, the same of each replica …]`, as CLUSTER SLOTS says it. */
type SlotRange = [number, number, ...[string, number, string][]];

/** Three primaries that share the keys, and a replica of each that takes its place when it is gone. */
export class RedisCluster {
  private readonly lost = new Set<RedisServer>();

  private constructor(
    private readonly nodes: readonly RedisServer[],
    private readonly claims: readonly PortClaim[],
  ) {}

  /**
   * Returns when every node answers for its slots and every replica is in step, so that a fail-over can succeed.
   * It ends at `stop()`, or with this process at the latest.
   *
   * @throws Error when there is no redis-server but in Docker, or an older one than Redis 7
   */
  static async start(): Promise<RedisCluster> {
    const nodes: RedisServer[] = [];
    const claims: PortClaim[] = [];
    const cluster = new RedisCluster(nodes, claims);
    try {
      const pending = Array.from({ length: 2 * PRIMARIES }, async () => {
        const bus = await PortClaim.take();
        claims.push(bus);
        nodes.push(await RedisServer.start({ config: settings(bus.port) }));
      });
      const failed = (await Promise.allSettled(pending)).find((result) => result.status === 'rejected');
      if (failed) throw failed.reason;
      await cluster.form();
      return cluster;
    } catch (error) {
      await cluster.stop();
      throw error;
    }
  }

  /** As `parseRedisUrl` reads it; it names every node, also those that were lost. */
  get url(): string {
    return `redis+cluster://${this.nodes.map(({ port }) => `127.0.0.1:${port}`).join(',')}`;
  }

  /** Those that were neither killed nor frozen. */
  get living(): readonly RedisServer[] {
    return this.nodes.filter((node) => !this.lost.has(node));
  }

  /** Who answers for `key` now. */
  async primaryOf(key: string): Promise<RedisServer> {
    const slot = Number(await this.living[0]!.command('CLUSTER', 'KEYSLOT', key));
    const range = (await slotsOf(this.living[0]!)).find(([first, last]) => first <= slot && slot <= last)!;
    return this.at(range[2]![1]);
  }

  /** As a crash, of the one that answers for `key`. @returns when it is gone, before anybody has noticed */
  async killPrimary(key = 'any'): Promise<void> {
    await this.kill(await this.primaryOf(key));
  }

  async kill(node: RedisServer): Promise<void> {
    this.lost.add(node);
    await node.kill();
  }

  /** As a machine that hangs: connections stay, nothing is answered. */
  async freeze(node: RedisServer): Promise<void> {
    this.lost.add(node);
    await node.freeze();
  }

  /** Waits until all that live agree that every slot has a primary, and that it lives. */
  async healed(): Promise<void> {
    await eventually(
      async () => {
        const ports = this.living.map(({ port }) => port);
        const agree = await Promise.all(
          this.living.map(async (node) => {
            const whole = String(await node.command('CLUSTER', 'INFO')).includes('cluster_state:ok');
            return whole && (await slotsOf(node)).every(([, , primary]) => ports.includes(primary![1]));
          }),
        );
        return agree.every(Boolean);
      },
      { ...SERVERS_AGREE, what: 'every slot has a living primary' },
    );
  }

  /**
   * Begins to move the slot of `key` to another primary, with all that is in it: who asks for it is sent on with ASK.
   *
   * @returns what ends the move; from then on it is MOVED
   */
  async beginMove(key: string): Promise<() => Promise<void>> {
    const source = await this.primaryOf(key);
    const slot = Number(await source.command('CLUSTER', 'KEYSLOT', key));
    const primaries = [...new Set((await slotsOf(source)).map(([, , primary]) => primary![1]))];
    const target = this.at(primaries.find((port) => port !== source.port)!);
    const [sourceId, targetId] = [await idOf(source), await idOf(target)];
    await target.command('CLUSTER', 'SETSLOT', slot, 'IMPORTING', sourceId);
    await source.command('CLUSTER', 'SETSLOT', slot, 'MIGRATING', targetId);
    const keys = (await source.command('CLUSTER', 'GETKEYSINSLOT', slot, 1_000)) as string[];
    if (keys.length > 0)
      await source.command('MIGRATE', '127.0.0.1', target.port, '', 0, 5_000, 'KEYS', ...keys);
    return async () => {
      for (const node of [target, source]) await node.command('CLUSTER', 'SETSLOT', slot, 'NODE', targetId);
    };
  }

  /** Kills what still runs, and removes what it wrote. */
  async stop(): Promise<void> {
    await Promise.all(this.nodes.map((node) => node.stop()));
    await Promise.all(this.claims.map((claim) => claim.release()));
  }

  private at(port: number): RedisServer {
    return this.nodes.find((node) => node.port === port)!;
  }

  private async form(): Promise<void> {
    const share = Math.ceil(SLOTS / PRIMARIES);
    for (const [index, node] of this.nodes.entries()) {
      await node.command('CLUSTER', 'SET-CONFIG-EPOCH', index + 1); // else they have to find out who is who
      if (index >= PRIMARIES) continue;
      const last = Math.min((index + 1) * share, SLOTS) - 1;
      await node.command('CLUSTER', 'ADDSLOTSRANGE', index * share, last);
    }
    const [first, ...rest] = this.nodes;
    for (const node of rest)
      await first!.command('CLUSTER', 'MEET', '127.0.0.1', node.port, await busPortOf(node));
    await this.each('the nodes know each other', async (node) =>
      String(await node.command('CLUSTER', 'INFO')).includes(`cluster_known_nodes:${this.nodes.length}`),
    );
    for (const [index, replica] of this.nodes.slice(PRIMARIES).entries()) {
      const primaryId = await idOf(this.nodes[index]!);
      await eventually(
        async () => {
          await replica.command('CLUSTER', 'REPLICATE', primaryId);
          return true;
        },
        { ...SERVERS_AGREE, what: 'the replica knows its primary' },
      );
    }
    for (const replica of this.nodes.slice(PRIMARIES))
      await eventually(
        async () => String(await replica.command('INFO', 'replication')).includes('master_link_status:up'),
        { ...SERVERS_AGREE, what: 'the replica is in step' },
      );
    await this.each('all know of all replicas', async (node) =>
      (await slotsOf(node)).every((range) => range.length === 4),
    );
    await this.healed();
  }

  private async each(what: string, check: (node: RedisServer) => Promise<boolean>): Promise<void> {
    await eventually(async () => (await Promise.all(this.nodes.map(check))).every(Boolean), {
      ...SERVERS_AGREE,
      what,
    });
  }
}

function settings(busPort: number): Record<string, string> {
  return {
    'cluster-enabled': 'yes',
    'cluster-port': String(busPort), // by default ten thousand above the other, which is not reserved
    'cluster-announce-ip': '127.0.0.1',
    // In milliseconds. Short, but long enough for a busy machine not to take the living for dead.
    'cluster-node-timeout': '1000',
    'cluster-replica-validity-factor': '0',
    'repl-diskless-sync-delay': '0',
    'repl-ping-replica-period': '1', // a replica that has heard nothing yet is not shown to clients
  };
}

async function busPortOf(node: RedisServer): Promise<string> {
  const [, port] = (await node.command('CONFIG', 'GET', 'cluster-port')) as string[];
  return port!;
}

async function idOf(node: RedisServer): Promise<string> {
  return String(await node.command('CLUSTER', 'MYID'));
}

async function slotsOf(node: RedisServer): Promise<SlotRange[]> {
  return (await node.command('CLUSTER', 'SLOTS')) as SlotRange[];
}
