import { heapShareEntries } from '#config';
import { LRUCache } from 'lru-cache';
import { type AuditEvent, SUCCESS } from '#accounts';

/** Refusals that are told apart at once; beyond, the one that was longest not seen is taken for new. */
const MAX_KEYS = heapShareEntries('audit', { bytesEach: 600, most: 10_000 });
const MINUTE_MS = 60_000;
const DAY_MS = 86_400_000;
/** Refusals that one instance records in a minute. */
const MAX_REFUSALS = 600;

/** Refusals each of which cost a check of a password or a code: nobody makes more of them than the limits allow. */
const GUESSES = new Set([
  'auth.invalid_code',
  'auth.invalid_credentials',
  'auth.invalid_grant',
  'auth.second_factor_required',
  'auth.wrong_code',
  'auth.wrong_password',
]);

/**
 * Which events are no news. To be refused costs the client nothing, so it must not cost us a row each time:
 *
 * - the same refusal of the same caller, or of nobody known, from one network is recorded once a minute;
 * - of all refusals, an instance records 600 a minute, however many networks they come from;
 * - wrong passwords and codes are recorded each, because `LoginThrottle` limits them;
 * - a session that is refreshed from the same network as before is recorded once a day.
 *
 * Each instance judges by what it has seen itself. How many there were of what is not recorded, the request log and
 * `usher_http_requests_total` say. Whatever else succeeded is recorded each time.
 */
export class AuditDeduplicator {
  readonly #refusals: LRUCache<string, true>;
  readonly #refreshes: LRUCache<string, true>;
  #minute = 0;
  #inThisMinute = 0;

  /** @param now monotonic milliseconds */
  constructor(private readonly now: () => number = () => performance.now()) {
    // `ttlResolution: 0`: otherwise it keeps a time of its own, by a timer.
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
    // A refresh by the OAuth form is refused with the code of a wrong password, and costs nothing.
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
