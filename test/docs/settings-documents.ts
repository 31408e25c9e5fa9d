import { settingsTable, type SettingsTableRow } from '#config';
import { withTable } from './generated-table.js';

const ENV_EXAMPLE_WIDTH = 110;

/** docs/configuration.md with the settings as `libs/config` defines them. */
export function withSettingsTable(page: string): string {
  const rows = settingsTable.map((row) => [`\`${row.name}\``, row.default, meaningOf(row)]);
  return withTable(page, 'settings', ['Variable', 'Default', 'Meaning'], rows);
}

/** `.env.example` with a block for each setting; its first block stays. */
export function withSettingsBlocks(envExample: string): string {
  const [head = ''] = envExample.split('\n\n', 1);
  return `${[head, ...settingsTable.map(blockOf)].join('\n\n')}\n`;
}

function meaningOf({ meaning, expects }: SettingsTableRow): string {
  return `${meaning} Expects ${expects}.`;
}

function blockOf(row: SettingsTableRow): string {
  const text = comment(`${meaningOf(row)} Default: ${row.default}.`);
  const assignments = [`#${row.name}=${row.example}`, ...(row.file === undefined ? [] : [`#${row.file}=`])];
  return [...text, ...assignments].join('\n');
}

function comment(text: string): string[] {
  const lines = ['#'];
  for (const word of text.split(' ')) {
    const line = `${lines.at(-1)} ${word}`;
    if (line.length <= ENV_EXAMPLE_WIDTH) lines[lines.length - 1] = line;
    else lines.push(`# ${word}`);
  }
  return lines;
}
