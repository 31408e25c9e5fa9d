import { readdir, readFile } from 'node:fs/promises';
import { getHeapSpaceStatistics, type HeapSpaceInfo } from 'node:v8';

/** What the process and the system say of it at one moment. */
export interface ProcessReading {
  /** Microseconds. */
  readonly cpu: NodeJS.CpuUsage;
  readonly memory: NodeJS.MemoryUsage;
  readonly heapSpaces: readonly HeapSpaceInfo[];
  /** What keeps the event loop alive, by kind. */
  readonly resources: readonly string[];
  /** `undefined` where there is no /proc. */
  readonly openFiles: number | undefined;
  readonly maxOpenFiles: number | undefined;
}

export async function readProcess(): Promise<ProcessReading> {
  const [openFiles, maxOpenFiles] = await Promise.all([countOpenFiles(), readMaxOpenFiles()]);
  return {
    cpu: process.cpuUsage(),
    memory: process.memoryUsage(),
    heapSpaces: getHeapSpaceStatistics(),
    resources: process.getActiveResourcesInfo(),
    openFiles,
    maxOpenFiles,
  };
}

async function countOpenFiles(): Promise<number | undefined> {
  try {
    return (await readdir('/proc/self/fd')).length - 1; // one of them was open to read this
  } catch {
    return undefined;
  }
}

/** proc_pid_limits(5): name, soft limit, hard limit, unit. */
async function readMaxOpenFiles(): Promise<number | undefined> {
  try {
    const soft = /^Max open files\s+(\d+)/m.exec(await readFile('/proc/self/limits', 'utf8'))?.[1];
    return soft === undefined ? undefined : Number(soft);
  } catch {
    return undefined;
  }
}
