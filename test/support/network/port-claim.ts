import { randomInt } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type Server } from 'node:net';

/**
 * A port on loopback that stays reserved while unused, so that a server can stop and restart on it.
 *
 * Two things could take it meanwhile. The system, as the client side of any connection: so ports come from below the
 * range it draws from (Linux from 32768, macOS from 49152). And another test run: so each claim holds the next higher
 * port open as its mark, and the system drops the mark when the process ends.
 */
export class PortClaim {
  private static readonly FIRST = 10_000;
  private static readonly PAIRS = 3_000;

  private constructor(
    readonly port: number,
    private readonly mark: Server,
  ) {}

  /** @throws Error when a hundred ports in a row were in use */
  static async take(): Promise<PortClaim> {
    for (let attempt = 0; attempt < 100; attempt += 1) {
      const port = PortClaim.FIRST + 2 * randomInt(PortClaim.PAIRS);
      const mark = await listen(port + 1);
      if (!mark) continue;
      const probe = await listen(port);
      if (probe) {
        await close(probe);
        return new PortClaim(port, mark);
      }
      await close(mark);
    }
    throw new Error('Found no free port on 127.0.0.1 in a hundred attempts.');
  }

  async release(): Promise<void> {
    if (this.mark.listening) await close(this.mark);
  }
}

async function listen(port: number): Promise<Server | undefined> {
  const server = createServer((stranger) => stranger.destroy());
  server.unref();
  try {
    server.listen(port, '127.0.0.1');
    await once(server, 'listening');
    return server;
  } catch {
    return undefined;
  }
}

async function close(server: Server): Promise<void> {
  await new Promise((closed) => server.close(closed));
}
