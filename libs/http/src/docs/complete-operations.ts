import { type OpenAPIObject } from '@nestjs/swagger';
import {
  completeProblems,
  type Content,
  type Operation,
  OTHER_PROBLEMS,
  type Responses,
} from './operation-problems.js';

const METHODS = ['get', 'put', 'post', 'delete', 'patch'] as const;
/** Bodies whose unknown fields are refused. Forms belong to OAuth, which ignores them (RFC 6749, section 3.1). */
const CLOSED_BODIES = ['application/json', 'multipart/form-data'];

/**
 * Adds what every operation would have to repeat. Expects `ProblemDocument` among the document's schemas.
 *
 * @param scoped security schemes whose scopes are named in the description, with the label to use there
 */
export function completeOperations(document: OpenAPIObject, scoped: Readonly<Record<string, string>>): void {
  document.components = { ...document.components, headers: RESPONSE_HEADER_DOCS, responses: OTHER_PROBLEMS };
  const schemes = Object.keys(document.components.securitySchemes ?? {});
  for (const operations of Object.values(document.paths)) {
    for (const method of METHODS) {
      const operation = operations[method];
      if (!operation) continue;
      // Explicitly empty for public operations. Sorted as in the Authorize dialog.
      operation.security = inOrderOf(schemes, operation.security ?? []);
      describeScopes(operation, scoped);
      completeErrors(operation);
      declareHeaders(operation);
      closeBody(document, operation);
    }
  }
}

/** A protocol with its own errors declares a default response; all errors of the operation have that shape. */
function completeErrors(operation: Operation): void {
  const { default: own } = operation.responses;
  if (!own || !('content' in own)) return completeProblems(operation);
  for (const [status, response] of Object.entries(operation.responses)) {
    if (Number(status) >= 400 && response) Object.assign(response, { content: own.content });
  }
}

type Security = NonNullable<Operation['security']>;

function inOrderOf(schemes: readonly string[], ways: Security): Security {
  const place = (way: Security[number]): number => schemes.indexOf(Object.keys(way)[0] ?? '');
  return [...ways].sort((one, other) => place(one) - place(other));
}

/** Neither Swagger UI nor Redoc shows the scopes of a scheme that is not OAuth 2. */
function describeScopes(operation: Operation, scoped: Readonly<Record<string, string>>): void {
  const sentences = Object.entries(scoped).map(([scheme, what]) => {
    const scopes = operation.security!.flatMap((way) => way[scheme] ?? []).join(' ');
    return scopes && `${what}: \`${scopes}\`.`;
  });
  operation.description = paragraphs(operation.description, ...sentences);
}

function paragraphs(...texts: (string | undefined)[]): string | undefined {
  return texts.filter(Boolean).join('\n\n') || undefined;
}

/** Like `InputPipe`: fields that are not in the schema are refused. */
function closeBody({ components }: OpenAPIObject, { requestBody }: Operation): void {
  const content: Content = requestBody && 'content' in requestBody ? requestBody.content : {};
  for (const type of CLOSED_BODIES) {
    const reference = (content[type]?.schema as { $ref?: string } | undefined)?.$ref;
    const schema = components?.schemas?.[reference?.split('/').at(-1) ?? ''];
    if (schema && !('$ref' in schema)) schema.additionalProperties = false;
  }
}

const text = (description: string, example: string): object => ({
  description,
  schema: { type: 'string' },
  example,
});

/** Response headers, for `components`. */
const RESPONSE_HEADER_DOCS = {
  'X-Request-Id': text(
    'Identifies the request in the log. The id of the request is kept if it is safe to log.',
    'a1b2c3',
  ),
  'X-Cache': {
    description: 'Where the resource, or else the principal, was read from.',
    schema: { type: 'string', enum: ['memory', 'redis', 'postgres', 'bypass', 'stale'] },
  },
  ETag: text('For `If-None-Match`.', '"mB3tQm1yJd8"'),
  'Retry-After': { description: 'Seconds.', schema: { type: 'integer', minimum: 1 }, example: 30 },
  RateLimit: text('Requests left, and seconds until the window ends.', '"login";r=59;t=60'),
  'RateLimit-Policy': text('Requests allowed, and seconds per window.', '"login";q=60;w=60'),
  'WWW-Authenticate': text('RFC 6750, section 3.', 'Bearer error="invalid_token"'),
};

/** Declares the response headers of an operation. Expects all of its statuses. */
function declareHeaders({ responses, security }: Operation): void {
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
