import { type Count } from './counter.js';

/**
 * `RateLimit-Policy: "login";q=60;w=60` and `RateLimit: "login";r=59;t=60`: what is allowed, and what is left and for
 * how many seconds, as drafts of the IETF have it since draft-ietf-httpapi-ratelimit-headers-08; we read 10.
 */
export function rateLimitHeaders({ limit, quota, remaining, resetSeconds }: Count): Record<string, string> {
  return {
    'ratelimit-policy': `"${limit.name}";q=${quota};w=${limit.windowSeconds}`,
    ratelimit: `"${limit.name}";r=${remaining};t=${resetSeconds}`,
  };
}
