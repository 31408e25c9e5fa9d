import { readSettings, settingsTable } from '#config';
import { beforeAll, describe, expect, it } from '@jest/globals';
import { NestFactory } from '@nestjs/core';
import { type NestFastifyApplication } from '@nestjs/platform-fastify';
import { readFile } from 'node:fs/promises';
import { AppModule } from '../../apps/identity/src/bootstrap/app.module.js';
import { apiDescription } from '../../apps/identity/src/bootstrap/api-description.js';
import { buildOpenApi, createHttpAdapter } from '#http';
import { cells } from './cells.js';

describe('the README', () => {
  let readme: string;

  beforeAll(async () => {
    readme = await readFile(new URL('../../README.md', import.meta.url), 'utf8');
  });

  it('lists every setting with its default, as the service reads it', () => {
    const rows = cells(section('## Settings')).map(([name, byDefault, meaning]) => ({
      name,
      byDefault,
      meaning,
    }));
    expect(rows).toEqual(
      settingsTable.map((row) => ({
        name: `\`${row.name}\``,
        byDefault: row.default,
        meaning: `${row.meaning} Expects ${row.expects}.`,
      })),
    );
  });

  it('lists the file variables of the secrets, and no others', () => {
    const listed = [...section('## Settings').matchAll(/`(\w+_FILE)`/g)].map(([, name]) => name);
    expect(listed).toEqual(settingsTable.flatMap(({ file }) => file ?? []));
  });

  it('lists every call that the service answers, and no other', async () => {
    const settings = readSettings({ NODE_ENV: 'test', LOG_LEVEL: 'silent' });
    const app = await NestFactory.create<NestFastifyApplication>(
      AppModule.forRoot(settings, 'postgres://nobody@127.0.0.1/none'),
      createHttpAdapter(settings),
      { preview: true, logger: false },
    );
    const documented = Object.entries(buildOpenApi(app, apiDescription).paths).flatMap(([path, operations]) =>
      Object.keys(operations).map((method) => `${method.toUpperCase()} ${path}`),
    );
    expect([...listedCalls()].sort()).toEqual([...new Set(documented)].sort());
  });

  /** `GET /health`, `/health/live` lists two calls: a path without a method has the one before. */
  function listedCalls(): Set<string> {
    const calls = new Set<string>();
    for (const [cell] of cells(section('## Endpoints'))) {
      let method = '';
      for (const [, code] of cell!.matchAll(/`([^`]+)`/g)) {
        const [, named, path] = /^(?:([A-Z]+) )?(\/[^?]*)?/.exec(code!)!;
        method = named ?? method;
        if (path) calls.add(`${method} ${path}`);
      }
    }
    return calls;
  }

  function section(heading: string): string {
    const start = readme.indexOf(heading);
    const end = readme.indexOf('\n## ', start + 1);
    return readme.slice(start, end);
  }
});
