import { type UserDirectory, UserNotFound, type UserSearch, type UserStore } from '#accounts';
import { InvalidInput } from '#http';
import { beforeEach, describe, expect, it } from '@jest/globals';
import { ADA, anAdmin, aUser, FakeUserCache, GRACE, SESSION } from '../../test/fake-accounts.js';
import { aTrace, FakeReply } from '../../test/fake-request.js';
import { type Principal } from '../access/principal.js';
import { type Name, UsersService } from './users.service.js';

describe('UsersService', () => {
  let cache: FakeUserCache;
  let searches: UserSearch[];
  let next: string | undefined;
  let changes: unknown[];
  let reply: FakeReply;
  let service: UsersService;

  const grace = aUser({ id: GRACE, email: 'grace@example.com', username: 'grace', phone: '+442071838750' });
  const as = (user = aUser()): Principal =>
    ({ kind: 'user', user, sessionId: SESSION, claims: undefined }) as unknown as Principal;
  const finder: Principal = { kind: 'service', name: 'finder', privileges: new Set(['lookup']) };

  beforeEach(() => {
    cache = new FakeUserCache();
    cache.put(aUser());
    cache.put(grace);
    searches = [];
    next = undefined;
    changes = [];
    reply = new FakeReply();
    const directory = {
      search: (search: UserSearch) => {
        searches.push(search);
        return Promise.resolve({ users: [grace], next });
      },
    } as unknown as UserDirectory;
    const store = {
      changeStanding: (...change: unknown[]) => {
        changes.push(change);
        return Promise.resolve(grace);
      },
    } as unknown as UserStore;
    service = new UsersService(cache.cache, store, directory);
  });

  it.each<[string, Principal | undefined, boolean]>([
    ['the user', as(grace), true],
    ['an administrator', as(anAdmin()), true],
    ['another user', as(), false],
    ['a service', finder, false],
    ['no one in particular', undefined, false],
  ])('UsersService.profile() shows %s the private fields: %j', async (_, viewer, isPrivate) => {
    const shown = await service.profile(GRACE, viewer, aTrace(reply));
    expect(shown).toMatchObject({ id: GRACE, username: 'grace' });
    expect(shown.email).toBe(isPrivate ? 'grace@example.com' : undefined);
    expect('phone' in shown).toBe(isPrivate);
    expect(reply.headers.get('x-cache')).toBe('memory');
    expect(await service.profileByUsername('grace', viewer, aTrace())).toEqual(shown);
  });

  it('UsersService.profile() shows a deactivated user only to administrators', async () => {
    cache.put(aUser({ id: GRACE, username: 'grace', isActive: false }));
    await expect(service.profile(GRACE, as(), aTrace())).rejects.toThrow(UserNotFound);
    await expect(service.profileByUsername('grace', as(), aTrace())).rejects.toThrow(UserNotFound);
    expect(await service.profile(GRACE, as(anAdmin()), aTrace())).toMatchObject({ id: GRACE });
  });

  it('UsersService.profile() refuses unknown users', async () => {
    await expect(service.profile(SESSION, as(anAdmin()), aTrace())).rejects.toThrow(UserNotFound);
    await expect(service.profileByUsername('nemo', as(anAdmin()), aTrace())).rejects.toThrow(UserNotFound);
  });

  it.each<Name>([{ email: 'grace@example.com' }, { username: 'grace' }, { phone: '+442071838750' }])(
    'find looks up by %j',
    async (name) => {
      expect(await service.find(name, aTrace())).toMatchObject({ id: GRACE, email: 'grace@example.com' });
    },
  );

  it('UsersService.find() refuses unknown names', async () => {
    await expect(service.find({ email: 'nemo@example.com' }, aTrace())).rejects.toThrow(UserNotFound);
  });

  it('UsersService.findMany() answers each user once, in the order asked for, and names the missing', async () => {
    const found = await service.findMany([GRACE, SESSION, ADA, GRACE], aTrace());
    expect(found.items.map(({ id }) => id)).toEqual([GRACE, ADA]);
    expect(found.missing).toEqual([SESSION]);
  });

  it('UsersService.search() hands on the cursor and makes the next one', async () => {
    next = GRACE;
    const page = await service.search({ text: 'gra', limit: 1 });
    expect(page.items.map(({ id }) => id)).toEqual([GRACE]);
    await service.search({ text: 'gra', limit: 1, cursor: page.next_cursor! });
    expect(searches).toEqual([
      { text: 'gra', limit: 1, before: undefined },
      { text: 'gra', limit: 1, before: GRACE },
    ]);
  });

  it('UsersService.search() answers no cursor on the last page, and refuses a malformed one', async () => {
    expect((await service.search({ limit: 1 })).next_cursor).toBeNull();
    await expect(service.search({ limit: 1, cursor: 'nonsense' })).rejects.toThrow(InvalidInput);
  });

  it('UsersService.changeStanding() answers with the user as changed', async () => {
    const change = [GRACE, { isActive: false }, { trustUnverified: true }] as const;
    expect(await service.changeStanding(...change)).toMatchObject({ id: GRACE });
    expect(changes).toEqual([change]);
  });
});
