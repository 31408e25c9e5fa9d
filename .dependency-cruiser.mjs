/**
 * The order of docs/architecture.md: imports run down the list, enter a lib by its one door, and never make a circle.
 * Circles between folders are found by test/structure/folder-cycles.mjs.
 */
const BASE = ['config', 'crypto', 'runtime'];

/** What each lib may import besides itself. */
const LIBS = {
  config: [],
  crypto: [],
  runtime: [],
  cache: [],
  database: ['config', 'runtime'],
  'embedded-postgres': [],
  mail: ['config'],
  storage: [],
  'change-log': ['cache', 'database', ...BASE],
  accounts: ['change-log', 'cache', 'database', ...BASE],
  http: ['cache', 'database', ...BASE],
  observability: ['http', 'change-log', 'cache', 'database', ...BASE],
};

/** Of the identity service, top first: a folder may import those below it. */
const IDENTITY = [
  'cli',
  'bootstrap',
  'observability',
  'account-deletion',
  'avatars',
  'users',
  'auth',
  'audit-log',
  'login-throttle',
  'rate-limits',
  'access',
];

const identity = (names) => `^apps/identity/src/(${names.join('|')})/`;

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
    ...Object.entries(LIBS).map(([name, below]) => ({
      name: `lib-${name}-imports-down`,
      severity: 'error',
      from: { path: `^libs/${name}/src/`, pathNot: '\\.spec\\.ts$' },
      to: { path: `^libs/(?!(${[name, ...below].join('|')})/)` },
    })),
    {
      name: 'cache-knows-no-framework',
      severity: 'error',
      from: { path: '^libs/cache/' },
      to: { path: 'node_modules/(@nestjs|typeorm|pg|fastify)/' },
    },
    {
      name: 'only-http-and-observability-speak-http',
      severity: 'error',
      from: { path: '^libs/(?!(http|observability)/)' },
      to: { path: 'node_modules/(fastify|@nestjs/platform-fastify|@nestjs/swagger)/' },
    },
    ...IDENTITY.slice(1).map((name, index) => ({
      name: `identity-${name}-imports-down`,
      severity: 'error',
      from: { path: identity([name]) },
      to: { path: identity(IDENTITY.slice(0, index + 1)) },
    })),
    {
      name: 'no-dev-dependencies-in-the-product',
      comment: 'The builder is the one exception: an install without dev dependencies never starts it.',
      severity: 'error',
      from: {
        path: '^(apps|libs)/',
        pathNot: '\\.spec\\.ts$|^libs/[^/]+/test/|^apps/[^/]+/bin/build\\.mjs$',
      },
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
