import {
  type CachedPersonalToken,
  type CachedUser,
  PersonalTokenCache,
  PersonalTokenStore,
  UserCache,
} from '#accounts';
import { combineOrigins } from '#cache';
import { Injectable } from '@nestjs/common';
import { BadTokens } from '../../rate-limits/bad-tokens.js';
import { type ComparedToken, ComparedTokens } from './compared-tokens.js';
import { LastUses } from './last-uses.js';
import { type Client } from '../../access/client.js';
import { type PersonalTokenText, readPersonalToken } from './text.js';

/** Whose token it is, and what it opens. */
export interface Holder {
  readonly token: CachedPersonalToken;
  readonly user: CachedUser;
}

export interface HolderAnswer {
  /** `null`: it is no token of ours, or not any more. */
  readonly value: Holder | null;
  readonly origin: string;
}

interface Found {
  readonly value: CachedPersonalToken | null;
  readonly origin: Origin;
}

type Origin = Parameters<typeof combineOrigins>[0];

/**
 * The read way of personal access tokens. A text that is new to this instance is compared with PostgreSQL, which alone
 * has the hash; that the secret matched is remembered, since a secret never changes. Whether the token is still there,
 * whose it is and what it opens is asked of the cache on every request, and so is its user.
 */
@Injectable()
export class PersonalTokenHolders {
  private readonly compared = new ComparedTokens();
  private readonly uses: LastUses;

  constructor(
    private readonly tokens: PersonalTokenCache,
    private readonly store: PersonalTokenStore,
    private readonly users: UserCache,
    private readonly badTokens: BadTokens,
  ) {
    this.uses = new LastUses((ids) => this.store.used(ids));
  }

  /** As `find()`, of a token that opens a door with it now. @throws RateLimited, and as `UserCache` does */
  async admit(text: string, client: Client, options: { truth: boolean }): Promise<HolderAnswer | undefined> {
    const answer = await this.find(text, client, options);
    if (answer?.value) this.uses.note(answer.value.token.id);
    return answer;
  }

  /**
   * @returns `undefined` of a text that cannot be a token
   * @param client whom made-up tokens are counted against, each of which costs PostgreSQL a look; `undefined`: nobody,
   *   because a service asks about tokens that others sent it
   * @throws RateLimited, and as `UserCache` does
   */
  async find(
    text: string,
    client: Client | undefined,
    options: { truth: boolean },
  ): Promise<HolderAnswer | undefined> {
    const read = readPersonalToken(text);
    if (!read) return undefined;
    const found = await this.#token(text, read, client, options);
    if (!found.value || found.value.expiresAtMs <= Date.now()) return { value: null, origin: found.origin };
    const user = await this.users.byId(found.value.userId, options);
    const origin = combineOrigins(found.origin, user.origin);
    return { value: user.value?.isActive ? { token: found.value, user: user.value } : null, origin };
  }

  async #token(
    text: string,
    read: PersonalTokenText,
    client: Client | undefined,
    options: { truth: boolean },
  ): Promise<Found> {
    const recalled = this.compared.recall(text);
    const compared = recalled ?? (await this.#compare(text, read, client));
    // The cache is not asked about what strangers make up: it would fill with the absence of it.
    if (!recalled && !compared.matches) return { value: null, origin: 'postgres' };
    // What did not match is nobody's, to insist on the truth with: the cache knows whether the row is another by now.
    const found = await this.tokens.byId(read.id, compared.matches ? options : { truth: false });
    if (agree(found, compared)) return compared.matches ? found : nobodyBy(found);
    if (recalled && !found.value) return found; // it has been revoked since
    // The secret was compared with another row than the one that is cached. Both once more, by PostgreSQL.
    const again = await this.#compare(text, read, client);
    const truth = await this.tokens.byId(read.id, { truth: true });
    return again.matches && agree(truth, again) ? truth : nobodyBy(truth);
  }

  async #compare(
    text: string,
    { id, hash }: PersonalTokenText,
    client: Client | undefined,
  ): Promise<ComparedToken> {
    const look = async (): Promise<ComparedToken> => {
      const compared = { id, ...(await this.store.compare(id, hash)) };
      this.compared.remember(text, compared);
      return compared;
    };
    return client ? this.badTokens.look(client, look) : look();
  }
}

function agree({ value }: Found, { mark }: ComparedToken): boolean {
  return (value?.mark ?? null) === mark;
}

function nobodyBy({ origin }: Found): Found {
  return { value: null, origin };
}
