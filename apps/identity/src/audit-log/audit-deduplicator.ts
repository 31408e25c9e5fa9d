import { heapShareEntries } from '#config';
import { LRUCache } from 'lru-cache';
import { type AuditEvent, SUCCESS } from '#accounts';

/** Distinct refusals remembered at once; beyond, the least recently seen counts as new. */
const MAX_KEYS = heapShareEntries('audit', { bytesEach: 600, most: 10_000 });
const MINUTE_MS = 60_000;
const DAY_MS = 86_400_000;
/** Refusals that one instance records per minute. */
const MAX_REFUSALS = 600;

/** Refusals after a check of a password or code: `LoginThrottle` limits their number. */
const GUESSES = new Set([
  'auth.invalid_code',
  'auth.invalid_credentials',
  'auth.invalid_grant',
  'auth.second_factor_required',
  'auth.wrong_code',
  'auth.wrong_password',
]);

/**
 * Decides which events are recorded. A refusal costs the client nothing, so it must not cost a row each time:
 *
 * - the same refusal of the same principal, or of an unknown one, from one network is recorded once a minute;
 * - an instance records 600 refusals a minute, from all networks together;
 * - each wrong password or code is recorded, because `LoginThrottle` limits them;
 * - a refresh from the same network as before is recorded once a day per session.
 *
 * Each instance decides from what it has seen itself. The request log and `usher_http_requests_total` count what is
 * not recorded. All other successes are recorded.
 */
export class AuditDeduplicator {
  readonly #refusals: LRUCache<string, true>;
  readonly #refreshes: LRUCache<string, true>;
  #minute = 0;
  #inThisMinute = 0;

  /** @param now monotonic milliseconds */
  constructor(private readonly now: () => number = () => performance.now()) {
    // `ttlResolution: 0`: the cache must use `now`, not a time cached by a timer.
    const options = { max: MAX_KEYS, ttlResolution: 0, perf: { now } };
    this.#refusals = new LRUCache({ ...options, ttl: MINUTE_MS });
    this.#refreshes = new LRUCache({ ...options, ttl: DAY_MS });
  }

  /** @param network of the client */
  isNews({ action, outcome, actor, sessionId }: AuditEvent, network: string): boolean {
    const who = 'id' in actor ? actor.id : 'name' in actor ? actor.name : '';
    if (outcome === SUCCESS) {
      return action !== 'session.refreshed' || isFirst(this.#refreshes, `${sessionId} ${network}`);
    }
    // The OAuth form refuses a refresh with the code of a wrong password, at no cost.
    if (GUESSES.has(outcome) && action !== 'session.refreshed') return true;
    return isFirst(this.#refusals, `${action} ${outcome} ${who} ${network}`) && this.#hasRoom();
  }

  #hasRoom(): boolean {
    const minute = Math.floor(this.now() / MINUTE_MS);
    if (minute !== this.#minute) [this.#minute, this.#inThisMinute] = [minute, 0];
    return ++this.#inThisMinute <= MAX_REFUSALS;
  }
}

function isFirst(seen: LRUCache<string, true>, key: string): boolean {
  if (seen.has(key)) return false;
  seen.set(key, true);
  return true;
}
