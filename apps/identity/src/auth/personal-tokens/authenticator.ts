import { PersonalTokenCache, PersonalTokenStore, type ReadOptions, UserCache } from '#accounts';
import { Clock, combineOrigins } from '#cache';
import { Injectable } from '@nestjs/common';
import {
  type Authentication,
  type FirstUse,
  type PersonalTokenPrincipal,
  uncheckedFirstUse,
} from '../../access/principal.js';
import { type ComparedToken, ComparedTokens } from './compared-tokens.js';
import { InvalidPersonalToken } from './errors.js';
import { LastUses } from './last-uses.js';
import { type PersonalTokenText, readPersonalToken } from './text.js';

type Found = Awaited<ReturnType<PersonalTokenCache['byId']>>;

/**
 * Authenticates scripts by personal access tokens. A text that is new to this instance is compared with PostgreSQL, which
 * alone has the hash; the result is remembered, because a secret never changes. Whether the token still exists, its user
 * and its scopes are read from the caches on every request.
 */
@Injectable()
export class PersonalTokenAuthenticator {
  readonly #compared = new ComparedTokens();
  readonly #uses: LastUses;

  constructor(
    private readonly tokens: PersonalTokenCache,
    private readonly store: PersonalTokenStore,
    private readonly users: UserCache,
    private readonly clock: Clock,
  ) {
    this.#uses = new LastUses((ids) => this.store.used(ids));
  }

  /** @throws InvalidPersonalToken for malformed text, what `firstUse` throws, DatabaseUnavailable, DatabaseTimeout */
  async authenticate(
    text: string,
    options: ReadOptions,
    firstUse: FirstUse = uncheckedFirstUse,
  ): Promise<Authentication<PersonalTokenPrincipal>> {
    const read = readPersonalToken(text);
    if (!read) throw new InvalidPersonalToken();
    const { value: token, origin } = await this.#find(text, read, options, firstUse);
    if (!token || token.expiresAtMs <= this.clock.wallMs()) return { value: null, origin };
    const user = await this.users.byId(token.userId, options);
    return {
      value: user.value?.isActive ? { kind: 'user', user: user.value, sessionId: undefined, token } : null,
      origin: combineOrigins(origin, user.origin),
    };
  }

  /** Records that the token was used now, in the background. Introspection is no use. */
  recordUse({ token }: PersonalTokenPrincipal): void {
    this.#uses.note(token.id);
  }

  async #find(
    text: string,
    read: PersonalTokenText,
    options: ReadOptions,
    firstUse: FirstUse,
  ): Promise<Found> {
    const recalled = this.#compared.recall(text);
    const compared = recalled ?? (await firstUse(() => this.#compare(text, read)));
    // Made-up tokens must not fill the cache with absent rows.
    if (!recalled && !compared.matches) return { value: null, origin: 'postgres' };
    // A text that did not match may not demand the truth; the cache knows if the row has changed since.
    const found = await this.tokens.byId(read.id, compared.matches ? options : { truth: false });
    if (agree(found, compared)) return compared.matches ? found : absent(found);
    if (recalled && !found.value) return found; // revoked since
    // The secret was compared with another row than the cached one. PostgreSQL decides about both.
    const again = await firstUse(() => this.#compare(text, read));
    const truth = await this.tokens.byId(read.id, { truth: true });
    return again.matches && agree(truth, again) ? truth : absent(truth);
  }

  async #compare(text: string, { id, hash }: PersonalTokenText): Promise<ComparedToken> {
    const compared = { id, ...(await this.store.compare(id, hash)) };
    this.#compared.remember(text, compared);
    return compared;
  }
}

function agree({ value }: Found, { mark }: ComparedToken): boolean {
  return (value?.mark ?? null) === mark;
}

function absent({ origin }: Found): Found {
  return { value: null, origin };
}
