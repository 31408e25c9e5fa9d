import { describe, expect, it } from '@jest/globals';
import { readSettings } from './read-settings.js';
import { settingsTable } from './settings-table.js';

describe('settingsTable', () => {
  it('has a row for each setting', () => {
    expect(settingsTable).toHaveLength(Object.keys(readSettings({}).toJSON()).length);
  });

  it('leaves no cell empty', () => {
    for (const row of settingsTable) {
      expect(Object.values(row).every((cell) => cell !== '')).toBe(true);
    }
  });

  it('tells the defaults that differ by environment', () => {
    const defaults = new Map(settingsTable.map((row) => [row.name, row.default]));
    expect(defaults.get('HOST')).toBe('127.0.0.1 (production: 0.0.0.0)');
    expect(defaults.get('LOG_LEVEL')).toBe('info (test: warn)');
    expect(defaults.get('CACHE_TTL')).toBe('300s');
  });
});
