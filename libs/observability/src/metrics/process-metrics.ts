import { getHeapSpaceStatistics, type HeapSpaceInfo } from 'node:v8';
import { readdir, readFile } from 'node:fs/promises';
import { type MetricRow } from './metric-group.js';

const STARTED_AT_SECONDS = performance.timeOrigin / 1_000;

/** The state of the process at one moment. */
export interface ProcessReading {
  /** Microseconds. */
  readonly cpu: NodeJS.CpuUsage;
  readonly memory: NodeJS.MemoryUsage;
  readonly heapSpaces: readonly HeapSpaceInfo[];
  /** The kinds of the resources that keep the event loop alive. */
  readonly resources: readonly string[];
  /** `undefined` where there is no /proc. */
  readonly openFiles: number | undefined;
  readonly maxOpenFiles: number | undefined;
}

/**
 * Names and meanings are those of prom-client's default metrics, so that ready-made dashboards work. Its own collectors
 * cannot be stopped: their timers and observers outlive the app (ADR 0032).
 */
export const PROCESS_METRICS: readonly MetricRow<ProcessReading>[] = [
  {
    type: 'counter',
    name: 'process_cpu_user_seconds_total',
    help: 'User CPU time spent in seconds.',
    read: ({ cpu }) => cpu.user / 1e6,
  },
  {
    type: 'counter',
    name: 'process_cpu_system_seconds_total',
    help: 'System CPU time spent in seconds.',
    read: ({ cpu }) => cpu.system / 1e6,
  },
  {
    type: 'counter',
    name: 'process_cpu_seconds_total',
    help: 'User and system CPU time spent in seconds.',
    read: ({ cpu }) => (cpu.user + cpu.system) / 1e6,
  },
  {
    type: 'gauge',
    name: 'process_start_time_seconds',
    help: 'When the process started, in seconds since the Unix epoch.',
    read: () => STARTED_AT_SECONDS,
  },
  {
    type: 'gauge',
    name: 'process_resident_memory_bytes',
    help: 'Resident memory in bytes.',
    read: ({ memory }) => memory.rss,
  },
  {
    type: 'gauge',
    name: 'process_open_fds',
    help: 'Open file descriptors.',
    read: (reading) => reading.openFiles,
  },
  {
    type: 'gauge',
    name: 'process_max_fds',
    help: 'Maximum of open file descriptors.',
    read: (reading) => reading.maxOpenFiles,
  },
  {
    type: 'gauge',
    name: 'nodejs_heap_size_total_bytes',
    help: 'Size of the V8 heap in bytes.',
    read: ({ memory }) => memory.heapTotal,
  },
  {
    type: 'gauge',
    name: 'nodejs_heap_size_used_bytes',
    help: 'Used size of the V8 heap in bytes.',
    read: ({ memory }) => memory.heapUsed,
  },
  {
    type: 'gauge',
    name: 'nodejs_external_memory_bytes',
    help: 'Memory outside the heap held by V8 objects, buffers included, in bytes.',
    read: ({ memory }) => memory.external,
  },
  {
    type: 'gauge',
    name: 'nodejs_heap_space_size_total_bytes',
    help: 'Size of each heap space in bytes.',
    label: 'space',
    read: ({ heapSpaces }) => bySpace(heapSpaces, (space) => space.space_size),
  },
  {
    type: 'gauge',
    name: 'nodejs_heap_space_size_used_bytes',
    help: 'Used size of each heap space in bytes.',
    label: 'space',
    read: ({ heapSpaces }) => bySpace(heapSpaces, (space) => space.space_used_size),
  },
  {
    type: 'gauge',
    name: 'nodejs_heap_space_size_available_bytes',
    help: 'Available size of each heap space in bytes.',
    label: 'space',
    read: ({ heapSpaces }) => bySpace(heapSpaces, (space) => space.space_available_size),
  },
  {
    type: 'gauge',
    name: 'nodejs_active_resources',
    help: 'Resources that keep the event loop alive, by kind.',
    label: 'type',
    read: ({ resources }) => tally(resources),
  },
  {
    type: 'gauge',
    name: 'nodejs_version_info',
    help: 'The version of Node.js, as a label.',
    label: 'version',
    read: () => ({ [process.version]: 1 }),
  },
];

function bySpace(
  spaces: readonly HeapSpaceInfo[],
  bytes: (space: HeapSpaceInfo) => number,
): Record<string, number> {
  return Object.fromEntries(spaces.map((space) => [space.space_name.replace(/_space$/, ''), bytes(space)]));
}

function tally(kinds: readonly string[]): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const kind of kinds) counts[kind] = (counts[kind] ?? 0) + 1;
  return counts;
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
    return (await readdir('/proc/self/fd')).length - 1; // without the one that reads this directory
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
