import jsonc from 'jsonc-parser';
import { DuplicateField, InvalidJson, TooDeep, TooManyFields } from '../errors/request-errors.js';
import { decodeUtf8, refuseForbiddenName, refuseUnstorable } from './text.js';

export const MAX_JSON_DEPTH = 32;
/** In the whole body. class-transformer compares each name of an object with all others. */
export const MAX_JSON_NAMES = 1_000;
/** In the whole body, objects and lists included. */
export const MAX_JSON_VALUES = 10_000;

/**
 * The value of a JSON body, strictly by RFC 8259; `undefined` for an empty body, so that validation can report the
 * missing fields.
 * @throws InvalidEncoding and what `inspectJson` throws
 */
export function parseJsonBody(bytes: Buffer): unknown {
  if (bytes.length === 0) return undefined;
  const text = decodeUtf8(bytes, 'body');
  inspectJson(text);
  try {
    return JSON.parse(text);
  } catch {
    // Without the cause: its message quotes the body.
    throw new InvalidJson('The body is not valid JSON.');
  }
}

/**
 * Refuses what `JSON.parse` lets through: deep nesting (class-transformer overflows on it), duplicate names (JSON.parse
 * silently keeps the last), names that every object inherits (`__proto__`, `constructor`, …), NUL and lone surrogates;
 * and more names or values than any route takes.
 *
 * The visitor recurses once per level; the throw at the first level too deep stops it.
 * @throws InvalidJson, TooDeep, TooManyFields, DuplicateField, ForbiddenField, InvalidText
 */
export function inspectJson(text: string): void {
  const namesOfOpenObjects: Set<string>[] = [];
  let depth = 0;
  let nameCount = 0;
  let valueCount = 0;

  const count = (): void => {
    if (++valueCount > MAX_JSON_VALUES) {
      throw new TooManyFields(`The body may have ${MAX_JSON_VALUES} values at most.`);
    }
  };
  const enter = (): void => {
    count();
    if (++depth > MAX_JSON_DEPTH) throw new TooDeep(MAX_JSON_DEPTH);
  };
  const leave = (): void => {
    depth--;
  };

  jsonc.visit(
    text,
    {
      onObjectBegin: () => {
        enter();
        namesOfOpenObjects.push(new Set());
      },
      onObjectEnd: () => {
        leave();
        namesOfOpenObjects.pop();
      },
      onArrayBegin: enter,
      onArrayEnd: leave,
      onObjectProperty: (name, _offset, _length, _line, _column, path) => {
        if (++nameCount > MAX_JSON_NAMES) {
          throw new TooManyFields(`The body may have ${MAX_JSON_NAMES} names at most.`);
        }
        const parent = (): (string | number)[] => ['body', ...path()];
        refuseUnstorable(name, parent);
        refuseForbiddenName(name, () => [...parent(), name]);
        const names = namesOfOpenObjects.at(-1) as Set<string>;
        if (names.has(name)) throw new DuplicateField([...parent(), name]);
        names.add(name);
      },
      onLiteralValue: (value, _offset, _length, _line, _column, path) => {
        count();
        if (typeof value === 'string') refuseUnstorable(value, () => ['body', ...path()]);
      },
      onError: (_code, _offset, _length, line, column) => {
        throw InvalidJson.at(line + 1, column + 1);
      },
    },
    { disallowComments: true, allowTrailingComma: false },
  );
}
