import { type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { Agent, request } from 'node:http';
import { runTypeScript } from '../../support/typescript/run-typescript.js';
import { type Ablation } from './ablation.js';
import { type FailpointHit, type Failpoint } from './failpoint.js';

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

/** What the suite can make an instance suffer. */
export type Order =
  { stallMs: number } | { clockOffsetMs: number } | { failpoint: Failpoint | null } | { release: true };

/** Writes and loads reach a failpoint many times a second. */
const HIT_WITHIN_MS = 5_000;

/** One Usher in its own process, as a client sees it. */
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
   * Sets a failpoint and waits until a call reaches it.
   *
   * @returns `undefined` if none does within five seconds; the failpoint is then removed
   */
  async hit(failpoint: Failpoint): Promise<FailpointHit | undefined> {
    const signal = AbortSignal.timeout(HIT_WITHIN_MS);
    const message = once(this.process, 'message', { signal }) as Promise<[{ hit: FailpointHit }]>;
    this.tell({ failpoint });
    try {
      const [{ hit }] = await message;
      return hit;
    } catch (error) {
      if (!signal.aborted) throw error;
      this.tell({ failpoint: null });
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
