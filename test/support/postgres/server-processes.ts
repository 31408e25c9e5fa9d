import { execFile } from 'node:child_process';
import { readdir, readFile } from 'node:fs/promises';
import { promisify } from 'node:util';
import { type EmbeddedServer } from '#embedded-postgres';

/** Sends a signal to the server and to all its children; nothing when it does not run. */
export async function signalServer(server: EmbeddedServer, signal: NodeJS.Signals): Promise<void> {
  const postmaster = await server.pid();
  if (postmaster === undefined) return;
  for (const pid of [postmaster, ...(await childrenOf(postmaster))]) {
    try {
      process.kill(pid, signal);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error; // it has just ended by itself
    }
  }
}

async function childrenOf(parent: number): Promise<number[]> {
  const processes = process.platform === 'linux' ? await fromProc() : await fromPs();
  return processes.filter(({ ppid }) => ppid === parent).map(({ pid }) => pid);
}

interface Process {
  pid: number;
  ppid: number;
}

/** Slim images have no `ps`. Format: proc_pid_stat(5); the name in parentheses may hold spaces. */
async function fromProc(): Promise<Process[]> {
  const pids = (await readdir('/proc')).filter((name) => /^\d+$/.test(name));
  const stats = await Promise.all(pids.map((pid) => readFile(`/proc/${pid}/stat`, 'utf8').catch(() => '')));
  return stats.map((stat, index) => ({
    pid: Number(pids[index]),
    ppid: Number(/\) \S (\d+)/.exec(stat)?.[1]),
  }));
}

async function fromPs(): Promise<Process[]> {
  const { stdout } = await promisify(execFile)('ps', ['-A', '-o', 'pid=,ppid=']);
  return Array.from(stdout.matchAll(/(\d+)\s+(\d+)/g), ([, pid, ppid]) => ({
    pid: Number(pid),
    ppid: Number(ppid),
  }));
}
