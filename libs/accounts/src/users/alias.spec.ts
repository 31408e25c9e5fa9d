import { randomBytes } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { migrate } from '#database';
import fc from 'fast-check';
import { Client } from 'pg';
import { alias, aliasesOf, type AliasKind, answersTo, canonical } from './alias.js';
import { accountsSchema } from '../schema.js';

const KINDS: AliasKind[] = ['email', 'username', 'phone'];

/** Letters whose lower case depends on the language, the version of Unicode or the library that is asked. */
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

describe('an alias', () => {
  it.each([
    ['ADA@Example.COM', 'ada@example.com'],
    ['İSTANBUL', 'İstanbul'],
    ['Straẞe', 'straẞe'],
    ['ÉCOLE', 'École'],
    ['\u212Aelvin', '\u212Aelvin'],
    ['', ''],
  ])('is compared without regard to the case of ASCII letters, and of no others: %s', (given, compared) => {
    expect(canonical(given)).toBe(compared);
  });

  it('has a key and a tag that tell nobody its value and have one length', () => {
    const { key, tag } = alias('email', 'ada@example.com'.repeat(100));
    expect(key).toMatch(/^user:email:[0-9a-f]{32}$/);
    expect(tag).toMatch(/^ue:[0-9a-f]{32}$/);
  });

  it('is another one for each kind', () => {
    const same = KINDS.map((kind) => alias(kind, '+15550001'));
    expect(new Set(same.map(({ key }) => key)).size).toBe(3);
    expect(new Set(same.map(({ tag }) => tag)).size).toBe(3);
  });

  it('belongs to a user as long as their field says the same', () => {
    const user = { email: 'Ada@x.y', username: null, phone: '+15550001' };
    expect(answersTo(user, alias('email', 'aDA@x.y'))).toBe(true);
    expect(answersTo(user, alias('email', 'eve@x.y'))).toBe(false);
    expect(answersTo(user, alias('username', 'ada'))).toBe(false);
    expect(aliasesOf(user).map(({ kind }) => kind)).toEqual(['email', 'phone']);
  });
});

describe('the tag of an alias', () => {
  const name = `test_${randomBytes(8).toString('hex')}`;
  let server: Client;
  let database: Client;

  beforeAll(async () => {
    server = new Client(process.env.USHER_TEST_POSTGRES_URL);
    await server.connect();
    // Of a locale that lowers `I` to `ı`, and much besides ASCII.
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

  // A tag that differed would be a change that the cache never hears of.
  it('is the same here as in the trigger, for whatever text PostgreSQL can hold', async () => {
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

  it('is none for an alias that is NULL', async () => {
    const { rows } = await database.query(`SELECT cache.alias_tag('un:', NULL) AS tag`);
    expect(rows).toEqual([{ tag: null }]);
  });
});

const asciiLetter = fc.constantFrom(...'aAbBzZiIkK@._-+ \\\'"%');
/** Any character but NUL and lone surrogates, which PostgreSQL's text does not have. */
const unicode = fc
  .string({ unit: 'binary', minLength: 1, maxLength: 1 })
  .filter((char) => char !== '\0' && !/\p{Cs}/u.test(char));
