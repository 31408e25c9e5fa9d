import { type Operation, type Responses } from './operation-problems.js';

const text = (description: string, example: string): object => ({
  description,
  schema: { type: 'string' },
  example,
});

/** Headers of answers, for `components`. */
export const RESPONSE_HEADER_DOCS = {
  'X-Request-Id': text('Finds the request in the log; the one that was sent, if it is safe there.', 'a1b2c3'),
  'X-Cache': {
    description: 'How the answer, or else the caller, was looked up.',
    schema: { type: 'string', enum: ['memory', 'redis', 'postgres', 'bypass', 'stale'] },
  },
  ETag: text('For `If-None-Match`.', '"mB3tQm1yJd8"'),
  'Retry-After': { description: 'Seconds.', schema: { type: 'integer', minimum: 1 }, example: 30 },
  RateLimit: text('What is left, and for how many seconds.', '"login";r=59;t=60'),
  'RateLimit-Policy': text('What is allowed in how many seconds.', '"login";q=60;w=60'),
  'WWW-Authenticate': text('RFC 6750, section 3.', 'Bearer error="invalid_token"'),
};

/** Says which headers the answers of an operation carry. Its statuses have to be complete. */
export function declareHeaders({ responses, security }: Operation): void {
  const all = responses as Responses;
  for (const [status, response] of Object.entries(all)) {
    if ('$ref' in response) continue;
    const isGood = /^[23]/.test(status);
    const names: (keyof typeof RESPONSE_HEADER_DOCS)[] = ['X-Request-Id'];
    if (isGood && security!.length > 0) names.push('X-Cache');
    if (all['304'] && (status === '200' || status === '304')) names.push('ETag');
    if (all['429'] && (isGood || status === '429')) names.push('RateLimit', 'RateLimit-Policy');
    if (status === '429' || status === '503') names.push('Retry-After');
    if (status === '401') names.push('WWW-Authenticate');
    const declared = names.map((name) => [name, { $ref: `#/components/headers/${name}` }]);
    response.headers = { ...response.headers, ...(Object.fromEntries(declared) as object) };
  }
}
