import { settingsTable } from '#config';
import { beforeAll, describe, expect, it } from '@jest/globals';
import { readFile } from 'node:fs/promises';
import { cells } from './cells.js';
import { withSettingsTable } from './settings-documents.js';

describe('docs/configuration.md', () => {
  let page: string;

  beforeAll(async () => {
    page = await readFile(new URL('../../docs/configuration.md', import.meta.url), 'utf8');
  });

  it('docs/configuration.md lists every setting with its default, as the service reads it', () => {
    const rows = cells(page).map(([name, byDefault, meaning]) => ({ name, byDefault, meaning }));
    expect(rows).toEqual(
      settingsTable.map((row) => ({
        name: `\`${row.name}\``,
        byDefault: row.default,
        meaning: `${row.meaning} Expects ${row.expects}.`,
      })),
    );
  });

  it('docs/configuration.md is what write-tables.ts writes', () => {
    expect(page).toBe(withSettingsTable(page));
  });

  it('docs/configuration.md names the file variable of each secret, and no other', () => {
    const listed = [...page.matchAll(/`(\w+_FILE)`/g)].map(([, name]) => name);
    expect(listed).toEqual(settingsTable.flatMap(({ file }) => file ?? []));
  });
});
