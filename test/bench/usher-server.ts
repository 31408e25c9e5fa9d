/** One Usher as in production, on a database of its own. */
import 'reflect-metadata';
import { readSettings } from '#config';
import { EmbeddedPostgres } from '#embedded-postgres';
import { migrate } from '#database';
import { accountsSchema } from '#accounts';
import { join } from 'node:path';
import { createApp } from '../../apps/identity/src/bootstrap/create-app.js';
import { makeTestDirectory } from '../support/process/test-directory.js';

const directory = await makeTestDirectory();
const postgres = await EmbeddedPostgres.open({ dataDir: directory, settings: { fsync: 'off' } });
await migrate(postgres.url, accountsSchema);
const settings = readSettings({
  NODE_ENV: 'production',
  DATABASE_URL: 'embedded',
  LOG_LEVEL: 'warn',
  BCRYPT_COST: '10',
  RATE_LIMIT_FACTOR: '1000000',
  JWT_KEYS_DIR: join(directory, 'keys'),
});
const app = await createApp(settings, postgres.url);
await app.listen(0, '127.0.0.1');
process.send!(await app.getUrl());
process.once('disconnect', () => {
  void app
    .close()
    .then(() => postgres.close())
    .then(() => process.exit());
});
