import { describe, expect, it } from '@jest/globals';
import { misspeltNames } from './misspelt-names.js';
import { settingsTable } from './environment.js';

describe('misspeltNames', () => {
  it.each([
    ['DATABSE_URL', 'DATABASE_URL'],
    ['DATABASE_ULR', 'DATABASE_URL'],
    ['DATABASE_URI', 'DATABASE_URL'],
    ['DATABASEURL', 'DATABASE_URL'],
    ['database_url', 'DATABASE_URL'],
    ['REDDIS_URL', 'REDIS_URL'],
    ['JWT_SECRETS', 'JWT_SECRET'],
    ['JWT_SECERT_FILE', 'JWT_SECRET_FILE'],
    ['CACHE_MAX_STALENES', 'CACHE_MAX_STALENESS'],
    ['LOGLEVEL', 'LOG_LEVEL'],
    ['PROT', 'PORT'],
    ['NODE_EVN', 'NODE_ENV'],
  ])('misspeltNames takes %s for a misspelt %s', (name, meant) => {
    expect(misspeltNames({ [name]: 'canary' })).toEqual([
      `${name} is not a setting of Usher. Did you mean ${meant}?`,
    ]);
  });

  it('misspeltNames ignores the variables of other programs', () => {
    const names = [
      ...[
        'PATH',
        'HOME',
        'PWD',
        'SHELL',
        'USER',
        'LANG',
        'TERM',
        'HOSTNAME',
        'LOGNAME',
        'EDITOR',
        'TMPDIR',
        'POST',
      ],
      ...[
        'NODE_OPTIONS',
        'NODE_PATH',
        'NODE_VERSION',
        'YARN_VERSION',
        'npm_config_port',
        'INIT_CWD',
        'API_URL',
      ],
      ...[
        'AWS_REGION',
        'AWS_ACCESS_KEY_ID',
        'REDIS_HOST',
        'REDIS_PORT',
        'POSTGRES_PASSWORD',
        'PGHOST',
        'PGPORT',
      ],
      ...['USHER_PORT', 'USHER_SERVICE_HOST', 'KUBERNETES_PORT', 'KUBERNETES_SERVICE_HOST', 'SMTP_HOST'],
    ];
    expect(misspeltNames(Object.fromEntries(names.map((name) => [name, 'x'])))).toEqual([]);
  });

  it('misspeltNames ignores settings, empty variables, and misspellings of a setting that is set', () => {
    expect(misspeltNames(Object.fromEntries(settingsTable.map(({ name }) => [name, 'x'])))).toEqual([]);
    expect(misspeltNames({ DATABSE_URL: '' })).toEqual([]);
    expect(misspeltNames({ DATABASE_URL: 'x', DATABASE_URI: 'x' })).toEqual([]);
  });

  it('misspeltNames reports ten names at most, and none with a line break', () => {
    const many = Array.from({ length: 100 }, (_, index) => `DATABASE_URL${index % 10}${'_'.repeat(index)}`);
    expect(misspeltNames(Object.fromEntries(many.map((name) => [name, 'x'])))).toHaveLength(10);
    expect(misspeltNames({ 'DATABASE\nURL': 'x' })).toEqual([]);
  });
});
