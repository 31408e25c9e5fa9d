import { type ChildProcess, spawn } from 'node:child_process';
import { type Socket } from 'node:net';

/**
 * A command that runs when this process is gone, even by SIGKILL, where no exit handler runs: a small shell
 * waits for the end of a stream whose other end only we hold, and the kernel closes that even on SIGKILL.
 */
export class ParentDeathReaper {
  private constructor(private readonly executor: ChildProcess) {}

  /** `command` and its arguments, as words; shell builtins such as `kill` are fine. */
  static start(...command: string[]): ParentDeathReaper {
    const executor = spawn('sh', ['-c', 'read -r _; "$@"', 'parent-death-reaper', ...command], {
      stdio: ['pipe', 'ignore', 'ignore'],
      detached: true, // its own group: Ctrl-C must not take the executor along with us
    });
    executor.unref();
    (executor.stdin as Socket).unref();
    return new ParentDeathReaper(executor);
  }

  stop(): void {
    this.executor.kill('SIGKILL'); // not by closing the stream, which is what it waits for
  }
}
