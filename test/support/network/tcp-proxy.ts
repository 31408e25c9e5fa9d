import { once } from 'node:events';
import { createServer, type Server, Socket } from 'node:net';
import { setTimeout as wait } from 'node:timers/promises';
import { PortClaim } from './port-claim.js';

const HOST = '127.0.0.1';

export interface TcpProxyOptions {
  targetPort: number;
  /** Default: 127.0.0.1. */
  targetHost?: string;
}

/** A closed gate, and the way to open it. */
interface Gate {
  opened: Promise<void>;
  open: () => void;
}

/** A wire between clients and a server that a test can cut, stop up, slow down and listen in on. */
export class TcpProxy {
  private listener?: Server;
  private readonly links = new Map<Socket, Socket>(); // client -> its upstream
  private gate?: Gate;
  private delayMs = 0;
  private recorded?: Map<Socket, Buffer[]>; // by client, so that two of them never interleave

  private constructor(
    private readonly claim: PortClaim,
    private targetPort: number,
    private readonly targetHost: string,
  ) {}

  /** Listens on a free port of 127.0.0.1. The target is connected to once per client, and need not be there yet. */
  static async start({ targetPort, targetHost = HOST }: TcpProxyOptions): Promise<TcpProxy> {
    const proxy = new TcpProxy(await PortClaim.take(), targetPort, targetHost);
    await proxy.listen();
    return proxy;
  }

  get port(): number {
    return this.claim.port;
  }

  url(scheme: string): string {
    return `${scheme}://${HOST}:${this.port}`;
  }

  /** How many clients are connected now. */
  get connections(): number {
    return this.links.size;
  }

  /** Destroys every connection; new ones are refused until `heal()`. */
  async cut(): Promise<void> {
    const closed = this.listener && once(this.listener, 'close');
    this.listener?.close();
    this.listener = undefined;
    for (const [client, upstream] of this.links) {
      client.destroy();
      upstream.destroy();
    }
    await closed;
  }

  /**
   * Keeps connections, and accepts new ones, but lets nothing through in either direction: no bytes, no ends. All of it
   * is held back until `heal()`, so that each stream stays whole.
   */
  async blackhole(): Promise<void> {
    this.gate ??= closedGate();
    if (!this.listener) await this.listen();
  }

  /** From now on each chunk arrives `ms` milliseconds late, in each direction. */
  delay(ms: number): void {
    this.delayMs = ms;
  }

  /** An untroubled wire again: undoes `cut()`, `blackhole()` and `delay()`. */
  async heal(): Promise<void> {
    this.delayMs = 0;
    this.openGate();
    if (!this.listener) await this.listen();
  }

  /** Leads those who connect from now on to another port. Connections that are there stay where they are; see `cut()`. */
  retarget(port: number): void {
    this.targetPort = port;
  }

  /** Starts to keep all that clients send, whether it gets through or not; what an earlier call kept is forgotten. */
  record(): void {
    this.recorded = new Map();
  }

  /**
   * All that clients have sent since `record()`, one connection after the other.
   *
   * @throws Error when nothing is being recorded, so that no test takes silence for innocence
   */
  bytesToServer(): Buffer {
    if (!this.recorded) throw new Error('Call record() first: nothing has been recorded.');
    return Buffer.concat([...this.recorded.values()].flat());
  }

  /** Destroys every connection and gives the port back. */
  async stop(): Promise<void> {
    await this.cut();
    this.openGate();
    await this.claim.release();
  }

  private async listen(): Promise<void> {
    // Half-open, because each direction ends in its own time; see pump.
    this.listener = createServer({ allowHalfOpen: true, noDelay: true }, (client) => this.link(client));
    this.listener.listen(this.port, HOST);
    await once(this.listener, 'listening');
  }

  private link(client: Socket): void {
    const upstream = new Socket({ allowHalfOpen: true });
    upstream.setNoDelay(true);
    this.links.set(client, upstream);
    client.once('close', () => this.links.delete(client));
    client.on('data', (chunk: Buffer) => this.keep(client, chunk));

    const connected = this.passage().then(() => {
      if (!upstream.destroyed) upstream.connect(this.targetPort, this.targetHost);
    });
    this.pump(client, upstream, connected);
    this.pump(upstream, client, connected);
  }

  /** Hands on what `from` says and how it ends, in that order, as late as the wire demands. */
  private pump(from: Socket, to: Socket, start: Promise<void>): void {
    let tail = start;
    const then = (step: () => void): void => {
      const due = performance.now() + this.delayMs;
      tail = tail
        .then(() => this.passage(due))
        .then(() => {
          if (!to.destroyed) step();
        });
    };
    from.on('data', (chunk: Buffer) => then(() => to.write(chunk)));
    from.on('end', () => then(() => to.end()));
    from.on('error', () => then(() => to.destroy()));
  }

  /** Settles at `due`, or when the gate opens if that is later. */
  private async passage(due = 0): Promise<void> {
    const left = due - performance.now();
    if (left > 0) await wait(left);
    while (this.gate) await this.gate.opened;
  }

  private keep(client: Socket, chunk: Buffer): void {
    if (!this.recorded) return;
    const chunks = this.recorded.get(client);
    if (chunks) chunks.push(chunk);
    else this.recorded.set(client, [chunk]);
  }

  private openGate(): void {
    this.gate?.open();
    this.gate = undefined;
  }
}

function closedGate(): Gate {
  let open = (): void => undefined;
  const opened = new Promise<void>((resolve) => (open = resolve));
  return { opened, open };
}
