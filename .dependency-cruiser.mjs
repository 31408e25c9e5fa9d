/** The arrows of docs/architecture.md: imports point down, in by the one door, and never in a circle. */
const lib = (name) => `^libs/${name}/`;

/** @type {import('dependency-cruiser').IConfiguration} */
export default {
  forbidden: [
    { name: 'no-circles', severity: 'error', from: {}, to: { circular: true } },
    {
      name: 'one-door-per-lib',
      comment:
        'Another lib, an app or a test enters a lib by its name (`#cache`), which is its src/index.ts.',
      severity: 'error',
      from: { path: '^(apps|libs/([^/]+)|test)/' },
      to: { path: '^libs/([^/]+)/src/(?!index\\.ts$)', pathNot: '^libs/$2/' },
    },
    {
      name: 'libs-never-import-apps-or-tests',
      severity: 'error',
      from: { path: '^libs/' },
      to: { path: '^(apps|test)/' },
    },
    { name: 'apps-never-import-tests', severity: 'error', from: { path: '^apps/' }, to: { path: '^test/' } },
    {
      name: 'config-is-at-the-bottom',
      severity: 'error',
      from: { path: lib('config') },
      to: { path: '^libs/(?!config/)' },
    },
    {
      name: 'cache-knows-no-other-lib',
      severity: 'error',
      from: { path: lib('cache') },
      to: { path: '^libs/(?!cache/)' },
    },
    {
      name: 'cache-knows-no-framework',
      severity: 'error',
      from: { path: lib('cache') },
      to: { path: 'node_modules/(@nestjs|typeorm|fastify)' },
    },
    {
      name: 'database-knows-only-config',
      severity: 'error',
      from: { path: lib('database') },
      to: { path: '^libs/(?!(database|config)/)' },
    },
    {
      name: 'accounts-knows-cache-database-config',
      severity: 'error',
      from: { path: lib('accounts') },
      to: { path: '^libs/(?!(accounts|cache|database|config)/)' },
    },
    {
      name: 'storage-knows-only-config',
      severity: 'error',
      from: { path: lib('storage') },
      to: { path: '^libs/(?!(storage|config)/)' },
    },
    {
      name: 'mail-knows-only-config',
      severity: 'error',
      from: { path: lib('mail') },
      to: { path: '^libs/(?!(mail|config)/)' },
    },
    {
      name: 'libs-speak-no-http',
      severity: 'error',
      from: { path: '^libs/' },
      to: { path: 'node_modules/(fastify|@nestjs/platform-fastify|@nestjs/swagger)' },
    },
    {
      name: 'auth-never-imports-users',
      severity: 'error',
      from: { path: '^apps/identity/src/auth/' },
      to: { path: '^apps/identity/src/(users|avatars)/' },
    },
    {
      name: 'http-belongs-to-no-feature',
      severity: 'error',
      from: { path: '^apps/identity/src/http/' },
      to: { path: '^apps/identity/src/(audit|auth|users|avatars|limits|health|metrics)/' },
    },
    {
      name: 'no-dev-dependencies-in-the-product',
      severity: 'error',
      from: { path: '^(apps|libs)/', pathNot: '\\.spec\\.ts$' },
      to: { dependencyTypes: ['npm-dev'], dependencyTypesNot: ['type-only'] },
    },
  ],
  options: {
    doNotFollow: { path: 'node_modules' },
    exclude: { path: '^dist/' },
    tsPreCompilationDeps: true,
    tsConfig: { fileName: 'tsconfig.json' },
    enhancedResolveOptions: {
      conditionNames: ['usher-source', 'import', 'node', 'default', 'types'],
      exportsFields: ['exports'],
    },
  },
};
