import {
  type CachedUser,
  type StandingChanges,
  type StandingOptions,
  UserCache,
  UserDirectory,
  UserNotFound,
  UserStore,
} from '#accounts';
import { Injectable } from '@nestjs/common';
import { type Principal } from '../access/principal.js';
import { type CacheTrace, idFromCursor } from '#http';
import { PublicProfile, seesAll } from './public-profile.js';
import { FoundUsers, UserPage } from './user.dto.js';
import { UserResponse } from '../auth/profile/profile.js';

/** One unique field of a user. */
export type Name = { email: string } | { username: string } | { phone: string };

export interface Search {
  text?: string | undefined;
  isActive?: boolean | undefined;
  isAdmin?: boolean | undefined;
  cursor?: string | undefined;
  limit: number;
}

@Injectable()
export class UsersService {
  constructor(
    private readonly cache: UserCache,
    private readonly store: UserStore,
    private readonly directory: UserDirectory,
  ) {}

  /** @throws UserNotFound, also for deactivated users unless the viewer may see them */
  async profile(id: string, viewer: Principal | undefined, trace: CacheTrace): Promise<PublicProfile> {
    return visible(trace.shown(await this.cache.byId(id, trace.options)), viewer);
  }

  /** @throws UserNotFound */
  async profileByUsername(
    username: string,
    viewer: Principal | undefined,
    trace: CacheTrace,
  ): Promise<PublicProfile> {
    return visible(trace.shown(await this.cache.byUsername(username, trace.options)), viewer);
  }

  /** @throws UserNotFound */
  async find(name: Name, trace: CacheTrace): Promise<UserResponse> {
    const user = trace.shown(await this.#byName(name, trace));
    if (!user) throw new UserNotFound();
    return UserResponse.of(user);
  }

  async findMany(ids: readonly string[], trace: CacheTrace): Promise<FoundUsers> {
    const distinct = [...new Set(ids)];
    const users = trace.shown(await this.cache.byIds(distinct, trace.options)) ?? [];
    const found = new Set(users.map((user) => user.id));
    return {
      items: users.map((user) => UserResponse.of(user)),
      missing: distinct.filter((id) => !found.has(id)),
    };
  }

  /** @throws InvalidInput for a malformed cursor */
  async search({ cursor, limit, ...search }: Search): Promise<UserPage> {
    const before = cursor === undefined ? undefined : idFromCursor(cursor);
    return UserPage.of(await this.directory.search({ ...search, before, limit }));
  }

  /** @throws UserNotFound, LastAdmin, EmailNotVerified, MetadataTooLarge */
  async changeStanding(
    id: string,
    changes: StandingChanges,
    options: StandingOptions,
  ): Promise<UserResponse> {
    return UserResponse.of(await this.store.changeStanding(id, changes, options));
  }

  #byName(name: Name, { options }: CacheTrace): ReturnType<UserCache['byId']> {
    if ('email' in name) return this.cache.byEmail(name.email, options);
    if ('phone' in name) return this.cache.byPhone(name.phone, options);
    return this.cache.byUsername(name.username, options);
  }
}

function visible(user: CachedUser | null, viewer: Principal | undefined): PublicProfile {
  if (!user || (!user.isActive && !seesAll(viewer, user))) throw new UserNotFound();
  return PublicProfile.of(user, viewer);
}
