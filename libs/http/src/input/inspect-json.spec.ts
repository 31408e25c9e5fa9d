import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { type AppError } from '../errors/app-error.js';
import { inspectJson, MAX_JSON_DEPTH, parseJsonBody } from './json-body.js';

function refusal(text: string): string | undefined {
  try {
    inspectJson(text);
    return undefined;
  } catch (fault) {
    return (fault as AppError).code;
  }
}

const arrays = (depth: number): string => '['.repeat(depth) + ']'.repeat(depth);

describe('inspectJson', () => {
  it('lets 32 levels through and stops at the 33rd, also where brackets stand in strings', () => {
    expect(refusal(arrays(MAX_JSON_DEPTH))).toBeUndefined();
    expect(refusal(arrays(MAX_JSON_DEPTH + 1))).toBe('request.too_deep');
    expect(refusal('['.repeat(1_000_000))).toBe('request.too_deep');
    expect(refusal(JSON.stringify('['.repeat(100)))).toBeUndefined();
  });

  it('counts names by object, and after unescaping', () => {
    expect(refusal('[{"a":1},{"a":1}]')).toBeUndefined();
    expect(refusal('{"a":{"a":1}}')).toBeUndefined();
    expect(refusal('{"a":{"b":1},"\\u0061":2}')).toBe('request.duplicate_field');
    expect(refusal('{"":1,"":2}')).toBe('request.duplicate_field');
  });

  it('refuses names that every object inherits, at any depth and however written', () => {
    for (const name of ['__proto__', 'constructor', 'toString', 'hasOwnProperty', '__defineGetter__']) {
      expect([name, refusal(`{"a":[{"${name}":1}]}`)]).toEqual([name, 'request.forbidden_field']);
    }
    expect(refusal('{"__pr\\u006fto__":1}')).toBe('request.forbidden_field');
  });

  it('takes pairs of surrogates and refuses halves', () => {
    expect(refusal('"\\ud83d\\ude00 😀"')).toBeUndefined();
    for (const half of ['\\ud83d', '\\ude00', '\\ude00\\ud83d']) {
      expect([half, refusal(`{"a":"${half}"}`)]).toEqual([half, 'request.invalid_text']);
    }
  });

  it('shows no more than 64 characters of a name', () => {
    const name = 'x'.repeat(5_000);
    expect(() => inspectJson(`{"${name}":1,"${name}":2}`)).toThrow(/"x{63}…"/);
  });

  it('agrees with JSON.parse about what is JSON and what it means', () => {
    const plain = fc
      .jsonValue({ depthSize: 'small', noUnicodeString: false })
      .map((value) => JSON.stringify(value));
    fc.assert(
      fc.property(plain, (text) => {
        let parsed: unknown;
        try {
          parsed = parseJsonBody(Buffer.from(text));
        } catch (fault) {
          expect((fault as AppError).code).toMatch(/^request\.(too_deep|forbidden_field|invalid_text)$/);
          return;
        }
        expect(parsed).toEqual(JSON.parse(text));
      }),
    );
  });

  it('never lets pass what JSON.parse refuses, and refuses with a code of its own', () => {
    const mangled = fc.tuple(
      fc.json(),
      fc.nat(),
      fc.constantFrom('', ',', '}', '"', '\\', '01', '/**/', '\u0000', "'"),
    );
    fc.assert(
      fc.property(mangled, ([json, at, insert]) => {
        const cut = at % (json.length + 1);
        const text = json.slice(0, cut) + insert + json.slice(cut + 1);
        if (text === '') return;
        let valid = true;
        try {
          JSON.parse(text);
        } catch {
          valid = false;
        }
        let code: string | undefined;
        try {
          parseJsonBody(Buffer.from(text));
        } catch (fault) {
          code = (fault as AppError).code;
        }
        if (!valid) expect(code).toMatch(/^request\./);
      }),
    );
  });
});
