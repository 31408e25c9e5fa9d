import { type HeapSpaceInfo } from 'node:v8';
import { type MetricRow } from './metric-group.js';
import { type ProcessReading } from './process-reading.js';

const STARTED_AT_SECONDS = performance.timeOrigin / 1_000;

/**
 * The names, and what they mean, are those of Prometheus' client libraries and of prom-client's default metrics, so that
 * ready-made dashboards work. Its own collectors cannot be stopped: their timers and observers outlive the app.
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
    help: 'File descriptors that may be open at once.',
    read: (reading) => reading.maxOpenFiles,
  },
  {
    type: 'gauge',
    name: 'nodejs_heap_size_total_bytes',
    help: 'The heap of V8 in bytes.',
    read: ({ memory }) => memory.heapTotal,
  },
  {
    type: 'gauge',
    name: 'nodejs_heap_size_used_bytes',
    help: 'What of it is used, in bytes.',
    read: ({ memory }) => memory.heapUsed,
  },
  {
    type: 'gauge',
    name: 'nodejs_external_memory_bytes',
    help: 'Memory outside the heap that objects of V8 hold, buffers included, in bytes.',
    read: ({ memory }) => memory.external,
  },
  {
    type: 'gauge',
    name: 'nodejs_heap_space_size_total_bytes',
    help: 'Each space of the heap in bytes.',
    label: 'space',
    read: ({ heapSpaces }) => bySpace(heapSpaces, (space) => space.space_size),
  },
  {
    type: 'gauge',
    name: 'nodejs_heap_space_size_used_bytes',
    help: 'What of each space of the heap is used, in bytes.',
    label: 'space',
    read: ({ heapSpaces }) => bySpace(heapSpaces, (space) => space.space_used_size),
  },
  {
    type: 'gauge',
    name: 'nodejs_heap_space_size_available_bytes',
    help: 'What of each space of the heap is free, in bytes.',
    label: 'space',
    read: ({ heapSpaces }) => bySpace(heapSpaces, (space) => space.space_available_size),
  },
  {
    type: 'gauge',
    name: 'nodejs_active_resources',
    help: 'What keeps the event loop alive, by kind.',
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
