import { type Count } from './counter.js';
import { AppError } from '#http';

/**
 * `RateLimit-Policy: "login";q=60;w=60` and `RateLimit: "login";r=59;t=60`: the quota, what is left of it and seconds
 * until it resets, as in IETF drafts since draft-ietf-httpapi-ratelimit-headers-08 (read: 10).
 */
export function rateLimitHeaders({ limit, quota, remaining, resetSeconds }: Count): Record<string, string> {
  return {
    'ratelimit-policy': `"${limit.name}";q=${quota};w=${limit.windowSeconds}`,
    ratelimit: `"${limit.name}";r=${remaining};t=${resetSeconds}`,
  };
}

/** Refused by network or user, before anything else is read. */
export class RateLimited extends AppError {
  readonly code = 'request.rate_limited';
  override readonly retryAfterSeconds: number;
  override readonly headers: Readonly<Record<string, string>>;

  constructor(count: Count) {
    const { perUser } = count.limit;
    super(`Too many requests of this kind came from ${perUser ? 'you' : 'your network'}.`);
    this.retryAfterSeconds = count.resetSeconds;
    this.headers = rateLimitHeaders(count);
  }
}

/** The same answer whether or not the account exists and the password was right. */
export class TooManyAttempts extends AppError {
  readonly code = 'auth.too_many_attempts';
  override readonly retryAfterSeconds: number;
  override readonly headers: Readonly<Record<string, string>>;

  constructor(count: Count) {
    super('Too many wrong passwords or codes. Wait, or try where you have logged in before.');
    this.retryAfterSeconds = count.resetSeconds;
    this.headers = rateLimitHeaders(count);
  }
}
