import { type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { Agent, request } from 'node:http';
import { runTypeScript } from '../support/typescript/run-typescript.js';
import { type Ablation } from './ablation.js';
import { type Caught, type Trap } from './trap.js';

export interface Answer {
  readonly status: number;
  readonly body: Record<string, unknown> | null;
  readonly xCache: string | undefined;
  readonly retryAfter: string | undefined;
  readonly askedAt: number;
  readonly answeredAt: number;
}

export interface Ask {
  method?: string;
  token?: string;
  body?: object;
  /** Send `Cache-Control: no-cache`. */
  truth?: boolean;
}

/** What an instance can be told to suffer. */
export type Order =
  { stallMs: number } | { clockOffsetMs: number } | { trap: Trap | null } | { release: true };

/** For a write, or a load, that is caught; in milliseconds. Both come many times a second. */
const CAUGHT_WITHIN_MS = 5_000;

/** One Usher in a process of its own, as a client of it sees it. */
export class UsherInstance {
  readonly #agent = new Agent({ keepAlive: true, maxSockets: 64 });

  private constructor(
    readonly index: number,
    private readonly process: ChildProcess,
    private readonly url: string,
  ) {}

  static async start(
    index: number,
    env: NodeJS.ProcessEnv,
    databaseUrl: string,
    ablation: Ablation,
  ): Promise<UsherInstance> {
    const child = runTypeScript(new URL('instance.ts', import.meta.url), [
      JSON.stringify(env),
      databaseUrl,
      ablation,
    ]);
    const died = once(child, 'exit').then(() => {
      throw new Error(`instance ${index} ended before it listened`);
    });
    const [{ url }] = (await Promise.race([once(child, 'message'), died])) as [{ url: string }];
    died.catch(() => undefined);
    return new UsherInstance(index, child, url);
  }

  get running(): boolean {
    return this.process.exitCode === null && this.process.signalCode === null;
  }

  /** @throws Error when there is no answer: the connection was lost, or ten seconds have passed */
  ask(path: string, { method = 'GET', token, body, truth = false }: Ask = {}): Promise<Answer> {
    const payload = body && JSON.stringify(body);
    const headers = {
      ...(token && { authorization: `Bearer ${token}` }),
      ...(payload && {
        'content-type': 'application/json',
        'content-length': String(Buffer.byteLength(payload)),
      }),
      ...(truth && { 'cache-control': 'no-cache' }),
    };
    return new Promise((resolve, reject) => {
      const askedAt = performance.now();
      const asked = request(
        this.url + path,
        { method, headers, agent: this.#agent, timeout: 10_000 },
        (response) => {
          const chunks: Buffer[] = [];
          response.on('data', (chunk: Buffer) => chunks.push(chunk));
          response.on('error', reject);
          response.on('end', () => {
            const text = Buffer.concat(chunks).toString();
            resolve({
              status: response.statusCode!,
              body: text === '' ? null : (JSON.parse(text) as Record<string, unknown>),
              xCache: response.headers['x-cache'] as string | undefined,
              retryAfter: response.headers['retry-after'],
              askedAt,
              answeredAt: performance.now(),
            });
          });
        },
      );
      asked.on('timeout', () => asked.destroy(new Error('no answer within ten seconds')));
      asked.on('error', reject);
      asked.end(payload);
    });
  }

  signal(signal: NodeJS.Signals): void {
    this.process.kill(signal);
  }

  tell(order: Order): void {
    this.process.send(order);
  }

  /**
   * Sets a trap, and waits until something is caught in it.
   *
   * @returns `undefined` when nothing is, within five seconds; the trap is taken away then
   */
  async catch(trap: Trap): Promise<Caught | undefined> {
    const signal = AbortSignal.timeout(CAUGHT_WITHIN_MS);
    const message = once(this.process, 'message', { signal }) as Promise<[{ caught: Caught }]>;
    this.tell({ trap });
    try {
      const [{ caught }] = await message;
      return caught;
    } catch (error) {
      if (!signal.aborted) throw error;
      this.tell({ trap: null });
      return undefined;
    }
  }

  async stop(): Promise<void> {
    this.#agent.destroy();
    if (!this.running) return;
    const exit = once(this.process, 'exit');
    this.process.kill('SIGCONT');
    if (this.process.connected) this.process.disconnect();
    await exit;
  }
}
