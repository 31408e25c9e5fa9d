/**
 * `npm run test:coherence -- --seconds 60 --seed 7 --fault NAME --ablation NAME` breaks one thing after the other in one
 * run; `--each 20` runs every fault alone for 20 s. `--json FILE` writes the figures. Exits 1 when anything was violated.
 */
import { writeFile } from 'node:fs/promises';
import { parseArgs } from 'node:util';
import { type Ablation, ABLATIONS } from './cluster/ablation.js';
import { each } from './run-each.js';
import { FAULTS } from './faults/all-faults.js';
import { Random } from '../support/random/random.js';
import { run } from './run.js';
import { Cluster } from './cluster/cluster.js';

const { values } = parseArgs({
  options: {
    seconds: { type: 'string', default: '20' },
    seed: { type: 'string', default: String(Date.now() % 1e6) },
    fault: { type: 'string', multiple: true },
    'no-faults': { type: 'boolean', default: false },
    ablation: { type: 'string', default: 'none' },
    each: { type: 'string' },
    shuffle: { type: 'boolean', default: false },
    json: { type: 'string' },
  },
});
const seconds = Number(values.each ?? values.seconds);
const seed = Number(values.seed);
const names = FAULTS.map((fault) => fault.name);
const unknown = values.fault?.filter((name) => !names.includes(name)) ?? [];
if (
  !(seconds > 0) ||
  !Number.isInteger(seed) ||
  unknown.length > 0 ||
  !['none', ...ABLATIONS].includes(values.ablation) ||
  (values.each !== undefined && (values['no-faults'] || values.ablation !== 'none'))
) {
  console.error(
    `--seconds N | --each N [--shuffle], --seed N, --json FILE, --no-faults, --ablation ${ABLATIONS.join(' | ')}, --fault of:\n  ${names.join('\n  ')}`,
  );
  process.exit(2);
}
const faults = values['no-faults']
  ? []
  : FAULTS.filter((fault) => values.fault?.includes(fault.name) ?? true);

process.exitCode = values.each === undefined ? await together() : await alone();

async function together(): Promise<number> {
  const cluster = await Cluster.open();
  try {
    const ablation = values.ablation as Ablation;
    const report = await run({ seconds, seed, cluster, faults, ablation, log: console.log });
    console.log(`seed         ${seed}\n${report.toString()}`);
    await keep({ seed, ...report.figures });
    return report.violationCount === 0 ? 0 : 1;
  } finally {
    await cluster.close();
  }
}

async function alone(): Promise<number> {
  const order = values.shuffle ? new Random(seed).shuffled(faults) : faults;
  const rows = await each({ seconds, seed, faults: order, log: console.log });
  await keep(rows);
  const amiss = rows.filter(({ violations }) => violations > 0);
  console.log(`${rows.length} faults, ${amiss.length} with violations`);
  return amiss.length === 0 ? 0 : 1;
}

async function keep(figures: object): Promise<void> {
  if (values.json !== undefined) await writeFile(values.json, `${JSON.stringify(figures, null, 2)}\n`);
}
