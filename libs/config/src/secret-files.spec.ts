import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type InvalidSettings } from './invalid-settings.js';
import { readSettings } from './read-settings.js';
import { settingsTable } from './environment.js';

let directory: string;

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'usher-secrets-'));
});

afterEach(() => {
  rmSync(directory, { recursive: true });
});

function file(name: string, content: string | Buffer): string {
  writeFileSync(join(directory, name), content);
  return name;
}

function problemsOf(env: NodeJS.ProcessEnv): readonly string[] {
  try {
    readSettings(env, directory);
  } catch (error) {
    return (error as InvalidSettings).problems;
  }
  return [];
}

describe('a secret file', () => {
  it('secret file is read without its final line break, by a relative name or through a link', () => {
    symlinkSync(join(directory, file('jwt', 'first,second\r\n')), join(directory, 'link'));
    const settings = readSettings(
      {
        DATABASE_URL_FILE: file('url', 'postgres://u:p@db/usher\n'),
        JWT_SECRET_FILE: join(directory, 'link'),
      },
      directory,
    );
    expect(settings.databaseUrl).toBe('postgres://u:p@db/usher');
    expect(settings.jwtSecrets).toEqual(['first', 'second']);
  });

  it('secret file must have the format of its variable', () => {
    expect(problemsOf({ REDIS_URL_FILE: file('redis', 'canary://') })).toEqual([
      expect.stringMatching(/^REDIS_URL: expected a URL/),
    ]);
  });

  it('secret file counts where two settings are compared', () => {
    const env = { NODE_ENV: 'production', DATABASE_URL: 'postgres://db', JWT_KEYS_DIR: '/keys' };
    expect(problemsOf({ ...env, JWT_SECRET_FILE: file('jwt', 'x'.repeat(40)) })[0]).toMatch(
      /^JWT_SECRET and JWT_KEYS_DIR: /,
    );
  });

  it('secret file excludes its variable, unless that is empty', () => {
    const SMTP_URL_FILE = file('smtp', 'smtp://mail');
    expect(problemsOf({ SMTP_URL: 'smtp://other', SMTP_URL_FILE })).toEqual([
      'SMTP_URL and SMTP_URL_FILE: expected one of them, not both',
    ]);
    expect(readSettings({ SMTP_URL: '', SMTP_URL_FILE }, directory).smtpUrl).toBe('smtp://mail');
  });

  it.each([
    ['is missing', 'cannot be read (ENOENT)', () => 'hidden-canary'],
    ['is a directory', 'is not a regular file', () => '.'],
    ['is empty', 'is empty', () => file('canary', '\n')],
    ['is too large', 'is larger than 64 kB', () => file('canary', 'canary'.repeat(11_000))],
    ['is no text', 'is not UTF-8 text', () => file('canary', Buffer.from([0xff, 0xfe, 0x41]))],
    [
      'is a pipe without a writer',
      'is not a regular file',
      () => {
        execFileSync('mkfifo', [join(directory, 'pipe')]);
        return 'pipe';
      },
    ],
  ])(
    'secret file that %s is reported for its variable, without the name of the file',
    (_what, problem, make) => {
      for (const { name, file: variable } of settingsTable) {
        if (variable === undefined) continue;
        const problems = problemsOf({ [variable]: make() });
        expect(problems).toEqual([`${variable}: the file ${problem}; expected one that holds ${name}`]);
        expect(problems.join()).not.toContain('canary');
        rmSync(join(directory, 'pipe'), { force: true });
      }
    },
  );
});
