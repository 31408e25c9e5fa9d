import { field, rule } from '#http';
import { isScope, SCOPES } from '../../access/scopes.js';

const MOST = SCOPES.length;

/** One or more scopes, each once. */
export function ScopesField(): PropertyDecorator {
  return field(
    { description: 'What the token is for.', example: ['profile:read'] },
    {
      type: 'array',
      items: { type: 'string', enum: [...SCOPES] },
      minItems: 1,
      maxItems: MOST,
      uniqueItems: true,
    },
    rule('list_type', 'Input should be a list', Array.isArray),
    listRule('list_too_short', 'Input should have at least 1 item', (list) => list.length >= 1),
    listRule('list_too_long', `Input should have at most ${MOST} items`, (list) => list.length <= MOST),
    listRule('enum', `Every item should be one of ${SCOPES.join(', ')}`, (list) => list.every(isScope)),
    listRule(
      'duplicate_item',
      'Every item should be given once',
      (list) => new Set(list).size === list.length,
    ),
  );
}

function listRule(type: string, msg: string, holds: (list: unknown[]) => boolean): PropertyDecorator {
  return rule(type, msg, (value) => !Array.isArray(value) || holds(value as unknown[]));
}
