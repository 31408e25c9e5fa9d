import { randomBytes } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { migrate } from '#database';
import fc from 'fast-check';
import { Client } from 'pg';
import { accountsSchema, alias, type AliasKind, canonical } from '#accounts';

const KINDS: AliasKind[] = ['email', 'username', 'phone'];

/** Letters whose lower case depends on the language, the version of Unicode or the library. */
const ODD = [
  'İ',
  'I',
  'ı',
  'ß',
  'ẞ',
  'Σ',
  'ς',
  '\u212A',
  'Å',
  'DŽ',
  'Ⅷ',
  'Ａ',
  'É',
  'e\u0301',
  '𝐀',
  '\u{1E900}',
  '\uFFFD',
  '\u200B',
];

describe('cache.alias_tag()', () => {
  const name = `test_${randomBytes(8).toString('hex')}`;
  let server: Client;
  let database: Client;

  beforeAll(async () => {
    server = new Client(process.env.USHER_TEST_POSTGRES_URL);
    await server.connect();
    // With a locale that lowers `I` to `ı`, and many letters besides ASCII.
    await server.query(
      `CREATE DATABASE ${name} TEMPLATE template0 ENCODING 'UTF8'
         LOCALE_PROVIDER icu ICU_LOCALE 'tr' LOCALE 'C'`,
    );
    const url = new URL(process.env.USHER_TEST_POSTGRES_URL!);
    url.pathname = name;
    await migrate(url.href, accountsSchema);
    database = new Client(url.href);
    await database.connect();
  });

  afterAll(async () => {
    await database.end();
    await server.query(`DROP DATABASE ${name}`);
    await server.end();
  });

  // With another tag the cache would never hear of the change.
  it('alias_tag() makes the same tag as alias(), for every text that PostgreSQL can hold', async () => {
    const text = fc.string({ unit: fc.oneof(fc.constantFrom(...ODD), unicode, asciiLetter), maxLength: 40 });
    await fc.assert(
      fc.asyncProperty(fc.array(text, { minLength: 100, maxLength: 100 }), async (texts) => {
        const { rows } = await database.query<{ ue: string; un: string; up: string; lower: string }>(
          `SELECT cache.alias_tag('ue:', value) AS ue, cache.alias_tag('un:', value) AS un,
                  cache.alias_tag('up:', value) AS up, lower(value COLLATE "C") AS lower
             FROM unnest($1::text[]) WITH ORDINALITY AS t (value, n) ORDER BY n`,
          [texts],
        );
        for (const [i, value] of texts.entries()) {
          const [email, username, phone] = KINDS.map((kind) => alias(kind, value).tag);
          expect({ ...rows[i] }).toEqual({ ue: email, un: username, up: phone, lower: canonical(value) });
        }
      }),
      { numRuns: 20 },
    );
  });

  it('alias_tag() makes no tag of NULL', async () => {
    const { rows } = await database.query(`SELECT cache.alias_tag('un:', NULL) AS tag`);
    expect(rows).toEqual([{ tag: null }]);
  });
});

const asciiLetter = fc.constantFrom(...'aAbBzZiIkK@._-+ \\\'"%');
/** Any character but NUL and lone surrogates, which PostgreSQL's text does not have. */
const unicode = fc
  .string({ unit: 'binary', minLength: 1, maxLength: 1 })
  .filter((char) => char !== '\0' && !/\p{Cs}/u.test(char));
