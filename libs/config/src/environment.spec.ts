import { describe, expect, it } from '@jest/globals';
import { readSettings } from './read-settings.js';
import { settingsTable } from './environment.js';

describe('settingsTable', () => {
  it('settingsTable has a row for each setting', () => {
    expect(settingsTable).toHaveLength(Object.keys(readSettings({}).toJSON()).length);
  });

  it('settingsTable has no empty cell', () => {
    for (const { name, default: byDefault, expects, meaning } of settingsTable) {
      expect([name, byDefault, expects, meaning]).not.toContain('');
    }
  });

  it('settingsTable has a _FILE variable for exactly the settings that logs hide', () => {
    const settings = readSettings({});
    const hidden = Object.keys(settings.toJSON()).filter((name) => !Object.hasOwn(settings, name));
    const withFiles = settingsTable.filter(({ file }) => file !== undefined);
    expect(withFiles).toHaveLength(hidden.length);
    for (const { name, file } of withFiles) expect(file).toBe(`${name}_FILE`);
  });

  it('settingsTable shows defaults that differ by environment', () => {
    const defaults = new Map(settingsTable.map((row) => [row.name, row.default]));
    expect(defaults.get('HOST')).toBe('127.0.0.1 (production: 0.0.0.0)');
    expect(defaults.get('LOG_LEVEL')).toBe('info (test: warn)');
    expect(defaults.get('CACHE_TTL')).toBe('300s');
  });
});
