import jsonc from 'jsonc-parser';
import { DuplicateField, ForbiddenField, InvalidJson, TooDeep } from '../problems/request-faults.js';
import { refuseUnstorable } from './text.js';

export const MAX_JSON_DEPTH = 32;

/**
 * Refuses what `JSON.parse` would let through, before anything recursive sees it: deep nesting (class-transformer
 * overflows on it), duplicate names (of which JSON.parse silently keeps the last), names that every object inherits
 * (`__proto__`, `constructor`, …), NUL and lone surrogates.
 *
 * The visitor recurses once a level, and is stopped by the throw at the first level too deep.
 * @throws InvalidJson, TooDeep, DuplicateField, ForbiddenField, InvalidText
 */
export function inspectJson(text: string): void {
  const namesOfOpenObjects: Set<string>[] = [];
  let depth = 0;

  const enter = (): void => {
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
        const parent = (): (string | number)[] => ['body', ...path()];
        refuseUnstorable(name, parent);
        if (name in Object.prototype) throw new ForbiddenField([...parent(), name]);
        const names = namesOfOpenObjects.at(-1) as Set<string>;
        if (names.has(name)) throw new DuplicateField([...parent(), name]);
        names.add(name);
      },
      onLiteralValue: (value, _offset, _length, _line, _column, path) => {
        if (typeof value === 'string') refuseUnstorable(value, () => ['body', ...path()]);
      },
      onError: (_code, _offset, _length, line, column) => {
        throw InvalidJson.at(line + 1, column + 1);
      },
    },
    { disallowComments: true, allowTrailingComma: false },
  );
}
