import { ChangeWindow, Snapshot } from '#cache';
import { randomUUID } from 'node:crypto';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';

const CHANGES = 400_000;
/** As one poll returns them, parsed from JSON. */
const BATCH = 100;

/** Changes of as many users, as the log names them, in a window. */
export function windowMemory(tell: (line: string) => void): void {
  setFlagsFromString('--expose-gc');
  const collect = runInNewContext('gc') as () => void;
  const seenBy = Snapshot.parse(`${CHANGES + 1}:${CHANGES + 1}:`)!;
  const window = new ChangeWindow();
  window.restart('one', 1);
  collect();
  const before = process.memoryUsage().heapUsed;
  for (let xid = 1; xid <= CHANGES; xid += BATCH) {
    const batch = Array.from({ length: BATCH }, (_, n) => ({ xid: xid + n, tags: [`u:${randomUUID()}`] }));
    window.record(JSON.parse(JSON.stringify(batch)) as typeof batch, seenBy);
  }
  collect();
  const bytes = (process.memoryUsage().heapUsed - before) / window.size;
  tell(`a change in the window takes ${bytes.toFixed(0)} bytes; ${window.size} of them were counted`);
}
