/** `npm run test:coherence -- --seconds 60 --seed 7 --fault NAME --ablation NAME` */
import { parseArgs } from 'node:util';
import { type Ablation, ABLATIONS } from './ablation.js';
import { FAULTS } from './faults/all.js';
import { run } from './run.js';
import { Stage } from './stage.js';

const { values } = parseArgs({
  options: {
    seconds: { type: 'string', default: '20' },
    seed: { type: 'string', default: String(Date.now() % 1e6) },
    fault: { type: 'string', multiple: true },
    'no-faults': { type: 'boolean', default: false },
    ablation: { type: 'string', default: 'none' },
  },
});
const seconds = Number(values.seconds);
const seed = Number(values.seed);
const names = FAULTS.map((fault) => fault.name);
const unknown = values.fault?.filter((name) => !names.includes(name)) ?? [];
if (
  !(seconds > 0) ||
  !Number.isInteger(seed) ||
  unknown.length > 0 ||
  !['none', ...ABLATIONS].includes(values.ablation)
) {
  console.error(
    `--seconds N, --seed N, --no-faults, --ablation ${ABLATIONS.join(' | ')}, --fault of:\n  ${names.join('\n  ')}`,
  );
  process.exit(2);
}
const faults = values['no-faults']
  ? []
  : FAULTS.filter((fault) => values.fault?.includes(fault.name) ?? true);

const stage = await Stage.open();
try {
  const report = await run({
    seconds,
    seed,
    stage,
    faults,
    ablation: values.ablation as Ablation,
    log: console.log,
  });
  console.log(`seed         ${seed}\n${report.toString()}`);
  process.exitCode = report.violationCount === 0 ? 0 : 1;
} finally {
  await stage.close();
}
