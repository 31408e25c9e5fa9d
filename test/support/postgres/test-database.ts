import { randomBytes } from 'node:crypto';
import { Client, type QueryResult } from 'pg';

/** A database of a test's own, empty, on the server of the test run. */
export interface TestDatabase {
  url: string;
  /** A new connection, for the caller to end. */
  client(): Promise<Client>;
  /** On a connection made for this query alone. */
  query(sql: string, parameters?: unknown[]): Promise<QueryResult>;
  /** Ends every connection to the database and removes it. */
  drop(): Promise<void>;
}

export async function createTestDatabase(): Promise<TestDatabase> {
  const server = process.env.USHER_TEST_POSTGRES_URL;
  if (!server)
    throw new Error('USHER_TEST_POSTGRES_URL is not set: is test/support/jest/global-setup.mjs configured?');

  const name = `test_${randomBytes(8).toString('hex')}`;
  await queryOnce(server, `CREATE DATABASE ${name}`);
  const url = new URL(server);
  url.pathname = `/${name}`;
  return {
    url: url.href,
    client: () => connect(url.href),
    query: (sql, parameters) => queryOnce(url.href, sql, parameters),
    drop: async () => {
      await queryOnce(server, `DROP DATABASE IF EXISTS ${name} WITH (FORCE)`);
    },
  };
}

/** Losing the connection fails the query that runs on it, and nothing else: `drop` may end it at any time. */
export async function connect(url: string): Promise<Client> {
  const client = new Client(url);
  client.on('error', () => undefined);
  await client.connect();
  return client;
}

async function queryOnce(url: string, sql: string, parameters?: unknown[]): Promise<QueryResult> {
  const client = await connect(url);
  try {
    return await client.query(sql, parameters);
  } finally {
    await client.end();
  }
}
