import { field, type FieldOptions, listRule, rule } from '#http';

const MAX_ROLES = 32;
const ROLE = /^[a-z0-9_.:-]{1,64}$/;
const SCHEMA = {
  type: 'array',
  items: { type: 'string', pattern: ROLE.source },
  maxItems: MAX_ROLES,
  uniqueItems: true,
};

/** Names of roles. The application decides what they mean. */
export function RolesField(options: FieldOptions): PropertyDecorator {
  return field(
    { example: ['editor'], ...options },
    SCHEMA,
    rule('list_type', 'Input should be a list', Array.isArray),
    listRule(
      'list_too_long',
      `Input should have at most ${MAX_ROLES} items`,
      (list) => list.length <= MAX_ROLES,
    ),
    listRule('role', 'Every role should have 1 to 64 of a-z, 0-9, "_", ".", ":" and "-"', (list) =>
      list.every((role) => typeof role === 'string' && ROLE.test(role)),
    ),
    listRule('unique', 'Every role should be given once', (list) => new Set(list).size === list.length),
  );
}
