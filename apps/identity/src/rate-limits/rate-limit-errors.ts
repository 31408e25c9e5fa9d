import { AppError } from '#http';
import { type Count } from './counter.js';
import { rateLimitHeaders } from './rate-limit-headers.js';

/** Nothing was looked at but where the request comes from, and for some calls who sends it. */
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

/** The same whether or not there is such an account, and whether or not the password was right. */
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
