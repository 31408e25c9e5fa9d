import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { fileURLToPath } from 'node:url';

const require = createRequire(import.meta.url);

/** Swagger UI comes with @nestjs/swagger, and is found from there. */
export function swaggerUiFile(name: string): string | undefined {
  return resolve(createRequire(require.resolve('@nestjs/swagger')), `swagger-ui-dist/${name}`);
}

/** What Redoc shows in its footer, from a server that is not ours. Where there is none, it shows none. */
const LOGO = 'https://cdn.redoc.ly/redoc/logo-mini.svg';
const NO_LOGO = 'data:,';

/** @returns `undefined` where it was not installed */
export async function redocScript(): Promise<string | undefined> {
  const file = redocFile();
  return file === undefined ? undefined : (await readFile(file, 'utf8')).replace(LOGO, NO_LOGO);
}

/** Redoc is a development dependency: a build has a copy in `dist/assets`, a checkout has the package. */
function redocFile(): string | undefined {
  const built = fileURLToPath(new URL('../../../../assets/redoc.standalone.js', import.meta.url));
  return existsSync(built) ? built : resolve(require, 'redoc/bundles/redoc.standalone.js');
}

function resolve(from: NodeJS.Require, file: string): string | undefined {
  try {
    return from.resolve(file);
  } catch {
    return undefined;
  }
}
