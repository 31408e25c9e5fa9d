import { readSettings } from '#config';
import { beforeAll, describe, expect, it } from '@jest/globals';
import { NestFactory } from '@nestjs/core';
import { type NestFastifyApplication } from '@nestjs/platform-fastify';
import { readFile } from 'node:fs/promises';
import { AppModule } from '../../apps/identity/src/bootstrap/app.module.js';
import { apiDescription } from '../../apps/identity/src/bootstrap/api-description.js';
import { buildOpenApi, createHttpAdapter } from '#http';
import { cells } from './cells.js';
import { withErrorTable } from './error-table.js';

describe('docs/api.md', () => {
  let page: string;

  beforeAll(async () => {
    page = await readFile(new URL('../../docs/api.md', import.meta.url), 'utf8');
  });

  it('docs/api.md lists every call that the service answers, and no other', async () => {
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

  it('docs/api.md lists every error code with its status, as write-tables.ts writes it', () => {
    expect(page).toBe(withErrorTable(page));
  });

  /** `GET /health`, `/health/live` lists two calls: a path without a method has the one before. */
  function listedCalls(): Set<string> {
    const calls = new Set<string>();
    for (const [cell] of cells(section('## Calls'))) {
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
    const start = page.indexOf(heading);
    const end = page.indexOf('\n## ', start + 1);
    return page.slice(start, end);
  }
});
