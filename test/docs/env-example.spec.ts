import { readSettings, settingsTable } from '#config';
import { describe, expect, it } from '@jest/globals';
import { readFile } from 'node:fs/promises';
import { parseEnv } from 'node:util';
import { withSettingsBlocks } from './settings-documents.js';

const read = (name: string): Promise<string> => readFile(new URL(`../../${name}`, import.meta.url), 'utf8');

describe('.env.example', () => {
  it('.env.example lists every setting with its meaning and default, in the order of docs/configuration.md', async () => {
    const [, ...blocks] = (await read('.env.example')).trimEnd().split('\n\n');
    expect(blocks.map(parsed)).toEqual(
      settingsTable.map(({ name, meaning, expects, default: byDefault, example, file }) => ({
        text: `${meaning} Expects ${expects}. Default: ${byDefault}.`,
        assignments: [`#${name}=${example}`, ...(file === undefined ? [] : [`#${file}=`])],
      })),
    );
  });

  it('.env.example is what write-tables.ts writes', async () => {
    const example = await read('.env.example');
    expect(example).toBe(withSettingsBlocks(example));
  });

  it('.env.example sets nothing; without its # it sets the defaults', async () => {
    const example = await read('.env.example');
    expect(parseEnv(example)).toEqual({});
    const all = parseEnv(example.replace(/^#(?=[A-Z0-9_]+=)/gm, ''));
    expect(Object.keys(all).length).toBeGreaterThan(settingsTable.length);
    expect(readSettings(all, '/srv').toJSON()).toEqual(readSettings({}, '/srv').toJSON());
  });

  it('git keeps .env.example; .env goes neither into git nor into an image', async () => {
    const ignored = (await read('.gitignore')).split('\n');
    expect(ignored).toEqual(expect.arrayContaining(['.env', '.env.*', '!.env.example']));
    const sent = (await read('.dockerignore')).split('\n').filter((line) => /^[^#]/.test(line));
    expect(sent[0]).toBe('*');
    expect(sent.filter((line) => line.startsWith('!') && /env|\*\*/.test(line))).toEqual([]);
  });
});

function parsed(block: string): { text: string; assignments: string[] } {
  const lines = block.split('\n');
  const isText = (line: string): boolean => line.startsWith('# ');
  return {
    text: lines
      .filter(isText)
      .map((line) => line.slice(2))
      .join(' '),
    assignments: lines.filter((line) => !isText(line)),
  };
}
