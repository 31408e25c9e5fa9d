import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { type AppError } from '../errors/app-error.js';
import { inspectJson, MAX_JSON_DEPTH, parseJsonBody } from './json-body.js';

function refusal(text: string): string | undefined {
  try {
    inspectJson(text);
    return undefined;
  } catch (error) {
    return (error as AppError).code;
  }
}

const arrays = (depth: number): string => '['.repeat(depth) + ']'.repeat(depth);

describe('inspectJson', () => {
  it('inspectJson accepts 32 levels, refuses the 33rd, and ignores brackets in strings', () => {
    expect(refusal(arrays(MAX_JSON_DEPTH))).toBeUndefined();
    expect(refusal(arrays(MAX_JSON_DEPTH + 1))).toBe('request.too_deep');
    expect(refusal('['.repeat(1_000_000))).toBe('request.too_deep');
    expect(refusal(JSON.stringify('['.repeat(100)))).toBeUndefined();
  });

  it('inspectJson refuses duplicate names within an object, compared after unescaping', () => {
    expect(refusal('[{"a":1},{"a":1}]')).toBeUndefined();
    expect(refusal('{"a":{"a":1}}')).toBeUndefined();
    expect(refusal('{"a":{"b":1},"\\u0061":2}')).toBe('request.duplicate_field');
    expect(refusal('{"":1,"":2}')).toBe('request.duplicate_field');
  });

  it('inspectJson refuses names that every object inherits, at any depth, escaped or not', () => {
    for (const name of ['__proto__', 'constructor', 'toString', 'hasOwnProperty', '__defineGetter__']) {
      expect([name, refusal(`{"a":[{"${name}":1}]}`)]).toEqual([name, 'request.forbidden_field']);
    }
    expect(refusal('{"__pr\\u006fto__":1}')).toBe('request.forbidden_field');
  });

  it('inspectJson accepts surrogate pairs and refuses lone surrogates', () => {
    expect(refusal('"\\ud83d\\ude00 😀"')).toBeUndefined();
    for (const half of ['\\ud83d', '\\ude00', '\\ude00\\ud83d']) {
      expect([half, refusal(`{"a":"${half}"}`)]).toEqual([half, 'request.invalid_text']);
    }
  });

  it('inspectJson quotes at most 64 characters of a name', () => {
    const name = 'x'.repeat(5_000);
    expect(() => inspectJson(`{"${name}":1,"${name}":2}`)).toThrow(/"x{63}…"/);
  });

  it('parseJsonBody agrees with JSON.parse on what is valid and what it means', () => {
    const plain = fc
      .jsonValue({ depthSize: 'small', noUnicodeString: false })
      .map((value) => JSON.stringify(value));
    fc.assert(
      fc.property(plain, (text) => {
        let parsed: unknown;
        try {
          parsed = parseJsonBody(Buffer.from(text));
        } catch (error) {
          expect((error as AppError).code).toMatch(/^request\.(too_deep|forbidden_field|invalid_text)$/);
          return;
        }
        expect(parsed).toEqual(JSON.parse(text));
      }),
    );
  });

  it('parseJsonBody refuses everything that JSON.parse refuses, with its own code', () => {
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
        } catch (error) {
          code = (error as AppError).code;
        }
        if (!valid) expect(code).toMatch(/^request\./);
      }),
    );
  });
});
