import { describe, expect, it } from '@jest/globals';
import { aCachedUser } from '../../test/a-cached-user.js';
import { CACHED_USER_SQL, type CachedUser, reviveCachedUser } from './cached-user.js';

const ADA = aCachedUser({
  firstName: 'Ada',
  roles: ['editor'],
  appMetadata: { plan: 'pro', limits: { seats: 3 } },
});

describe('a cached user', () => {
  it('cached user comes back from JSON as the same plain value, frozen', () => {
    const revived = reviveCachedUser(JSON.parse(JSON.stringify(ADA)))!;
    expect(revived).toEqual(ADA);
    expect(Object.isFrozen(revived)).toBe(true);
    expect(Object.isFrozen(revived.roles)).toBe(true);
    expect(Object.isFrozen(revived.appMetadata.limits)).toBe(true);
    expect(Object.getPrototypeOf(revived)).toBe(Object.prototype);
  });

  it('cached user has exactly the listed fields, even if more were stored', () => {
    const revived = reviveCachedUser({ ...ADA, passwordHash: '$2b$…', __proto__: { isAdmin: true } })!;
    expect(Object.keys(revived).sort()).toEqual(Object.keys(ADA).sort());
    expect(revived.isAdmin).toBe(false);
  });

  it.each(Object.keys(ADA) as (keyof CachedUser)[])(
    'cached user is not read when %s is missing or of another kind',
    (field) => {
      const without: Record<string, unknown> = { ...ADA };
      delete without[field];
      expect(reviveCachedUser(without)).toBeUndefined();
      const other = field.endsWith('Metadata') ? ['x'] : { toString: () => 'x' };
      expect(reviveCachedUser({ ...ADA, [field]: other })).toBeUndefined();
      expect(reviveCachedUser({ ...ADA, [field]: 1.5 })).toBeUndefined();
    },
  );

  it.each([undefined, null, 'ada', 7, true, [], {}, [ADA]])('cached user is not read from %j', (raw) => {
    expect(reviveCachedUser(raw)).toBeUndefined();
  });

  it('cached user is selected without a secret', () => {
    expect(CACHED_USER_SQL).not.toMatch(/password|hash|secret|u\.\*/i);
  });
});
