import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import { fileURLToPath } from 'node:url';

const require = createRequire(import.meta.url);

/** Swagger UI comes with @nestjs/swagger, and is found from there. */
export function swaggerUiFile(name: string): string | undefined {
  return resolve(createRequire(require.resolve('@nestjs/swagger')), `swagger-ui-dist/${name}`);
}

/** Redoc is a development dependency: a build has a copy in `dist/assets`, a checkout has the package. */
export function redocFile(): string | undefined {
  const built = fileURLToPath(new URL('../../../../../assets/redoc.standalone.js', import.meta.url));
  return existsSync(built) ? built : resolve(require, 'redoc/bundles/redoc.standalone.js');
}

function resolve(from: NodeJS.Require, file: string): string | undefined {
  try {
    return from.resolve(file);
  } catch {
    return undefined;
  }
}
