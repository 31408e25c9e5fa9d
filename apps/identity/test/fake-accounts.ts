import {
  type CachedPersonalToken,
  type CachedSession,
  type CachedUser,
  type PersonalTokenCache,
  type ReadOptions,
  type SessionCache,
  type UserCache,
} from '#accounts';
import { type Answer } from '#cache';
import { aCachedUser } from '../../../libs/accounts/test/a-cached-user.js';

export { aCachedUser as aUser } from '../../../libs/accounts/test/a-cached-user.js';

export const ADA = '0197a3c4-5d6e-7f80-9a1b-2c3d4e5f6071';
export const GRACE = '0197a3c4-5d6e-7f80-9a1b-2c3d4e5f6072';
export const SESSION = '0197a3c4-5d6e-7f80-9a1b-2c3d4e5f60aa';

export function anAdmin(overrides: Partial<CachedUser> = {}): CachedUser {
  return aCachedUser({ isAdmin: true, roles: ['admin'], ...overrides });
}

/** A cache that holds what a test puts into it, and remembers what it was asked. */
export class FakeCache<V extends { readonly id: string }> {
  readonly rows = new Map<string, V>();
  readonly reads: { id: string; truth: boolean }[] = [];
  /** Where answers come from, unless the truth is asked for. */
  origin: Answer<V>['origin'] = 'memory';

  put(row: V): void {
    this.rows.set(row.id, row);
  }

  byId(id: string, options?: ReadOptions): Promise<Answer<V>> {
    const truth = options?.truth ?? false;
    this.reads.push({ id, truth });
    return Promise.resolve({ value: this.rows.get(id) ?? null, origin: truth ? 'bypass' : this.origin });
  }
}

export class FakeUserCache extends FakeCache<CachedUser> {
  get cache(): UserCache {
    return this as unknown as UserCache;
  }

  async byIds(ids: readonly string[], options?: ReadOptions): Promise<Answer<readonly CachedUser[]>> {
    const answers = await Promise.all(ids.map((id) => this.byId(id, options)));
    return { value: answers.flatMap(({ value }) => value ?? []), origin: this.origin };
  }

  byEmail(email: string): Promise<Answer<CachedUser>> {
    return this.#by((user) => user.email === email);
  }

  byUsername(username: string): Promise<Answer<CachedUser>> {
    return this.#by((user) => user.username === username);
  }

  byPhone(phone: string): Promise<Answer<CachedUser>> {
    return this.#by((user) => user.phone === phone);
  }

  #by(isMeant: (user: CachedUser) => boolean): Promise<Answer<CachedUser>> {
    return Promise.resolve({ value: [...this.rows.values()].find(isMeant) ?? null, origin: this.origin });
  }
}

export class FakeSessionCache extends FakeCache<CachedSession> {
  get cache(): SessionCache {
    return this as unknown as SessionCache;
  }
}

export class FakePersonalTokenCache extends FakeCache<CachedPersonalToken> {
  get cache(): PersonalTokenCache {
    return this as unknown as PersonalTokenCache;
  }
}
