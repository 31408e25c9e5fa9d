import { type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { runTypeScript } from '../typescript/run-typescript.js';

/** Another process that shares the embedded PostgreSQL of a data directory. */
export class EmbeddedProcess {
  private readonly opened: Promise<unknown[]>;

  /** In a process group of its own, as a shell gives it to each command. */
  constructor(
    dataDir: string,
    private readonly child: ChildProcess = runTypeScript(
      new URL('share-embedded.ts', import.meta.url),
      [dataDir],
      {
        detached: true,
      },
    ),
  ) {
    this.opened = once(child, 'message');
  }

  /** Resolves when the server is open in that process. */
  async url(): Promise<string> {
    const [answer] = (await this.opened) as [{ url: string } | { fault: string }];
    if ('fault' in answer) throw new Error(answer.fault);
    return answer.url;
  }

  async close(): Promise<void> {
    const exit = once(this.child, 'exit');
    this.child.send('close');
    await exit;
  }

  /** Resolves when the process is no more. SIGINT goes to its whole group, as Ctrl-C does. */
  async end(signal: 'SIGKILL' | 'SIGINT'): Promise<void> {
    if (this.child.exitCode !== null || this.child.signalCode !== null) return;
    const exit = once(this.child, 'exit');
    process.kill(signal === 'SIGINT' ? -this.child.pid! : this.child.pid!, signal);
    await exit;
  }
}
