/**
 * Writes what the code defines into the documents: the settings into docs/configuration.md and .env.example, the error
 * codes into docs/api.md. Run it after a change of either:
 *
 *     npm run docs:tables
 */
import { readFile, writeFile } from 'node:fs/promises';
import { withErrorTable } from './error-table.js';
import { withSettingsBlocks, withSettingsTable } from './settings-documents.js';

const DOCUMENTS = {
  'docs/api.md': withErrorTable,
  'docs/configuration.md': withSettingsTable,
  '.env.example': withSettingsBlocks,
};

for (const [name, written] of Object.entries(DOCUMENTS)) {
  const file = new URL(`../../${name}`, import.meta.url);
  await writeFile(file, written(await readFile(file, 'utf8')));
}
