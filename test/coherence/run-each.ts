import { type Fault } from './faults/fault.js';
import { run } from './run.js';
import { Cluster } from './cluster/cluster.js';

export interface EachOptions {
  /** For each fault: it comes again and again for so long, and the last time runs to its end. */
  seconds: number;
  seed: number;
  faults: readonly Fault[];
  log: (line: string) => void;
}

/** What came of one fault alone. Times in seconds. */
export interface Row {
  readonly fault: string;
  readonly seed: number;
  readonly seconds: number;
  readonly checks: number;
  readonly wrongAnswers: number;
  /** Reads that were refused while PostgreSQL was well. */
  readonly refusals: number;
  /** Both of these, and all else that should not have happened. */
  readonly violations: number;
  /** Until the slowest instance was back to normal. */
  readonly recovery: number;
  readonly findings: readonly string[];
}

/** Every fault alone, one after the other, each in a run of its own. */
export async function each({ seconds, seed, faults, log }: EachOptions): Promise<Row[]> {
  const rows: Row[] = [];
  log(line(HEADINGS));
  for (const [n, fault] of faults.entries()) {
    const row = await alone(fault, seconds, seed + n);
    rows.push(row);
    log(line(cells(row)));
    for (const finding of row.findings) log(`  ! ${finding}`);
  }
  return rows;
}

/** On servers of its own, so that what one fault leaves behind is not the next one's. */
async function alone(fault: Fault, seconds: number, seed: number): Promise<Row> {
  const beganAt = performance.now();
  let cluster: Cluster | undefined;
  try {
    cluster = await Cluster.open();
    const report = await run({ seconds, seed, cluster, faults: [fault] });
    return {
      fault: fault.name,
      seed,
      seconds: report.seconds,
      checks: report.checks,
      wrongAnswers: report.wrongAnswers,
      refusals: report.refusedInVain,
      violations: report.violationCount,
      recovery: report.slowestRecovery / 1_000,
      findings: report.violations,
    };
  } catch (error) {
    // A fault that could not be made proves nothing.
    const findings = [`the run broke off: ${error instanceof Error ? error.message : String(error)}`];
    const ran = (performance.now() - beganAt) / 1_000;
    return {
      ...{ fault: fault.name, seed, seconds: ran, checks: 0, wrongAnswers: 0, refusals: 0 },
      ...{ violations: 1, recovery: 0, findings },
    };
  } finally {
    await cluster?.close();
  }
}

const HEADINGS = ['fault', 'seconds', 'checks', 'wrong', 'refused', 'violations', 'recovery, s'];
const WIDTHS = [42, 8, 9, 6, 8, 11, 12];

function cells(row: Row): string[] {
  const { fault, seconds, checks, wrongAnswers, refusals, violations, recovery } = row;
  const counts = [checks, wrongAnswers, refusals, violations].map(String);
  return [fault, seconds.toFixed(0), ...counts, recovery.toFixed(1)];
}

function line(cells: readonly string[]): string {
  return cells.map((cell, n) => (n === 0 ? cell.padEnd(WIDTHS[n]!) : cell.padStart(WIDTHS[n]!))).join('');
}
