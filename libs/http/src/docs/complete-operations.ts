import { type OpenAPIObject } from '@nestjs/swagger';
import { completeProblems, type Content, type Operation, OTHER_PROBLEMS } from './operation-problems.js';
import { declareHeaders, RESPONSE_HEADER_DOCS } from './operation-headers.js';

const METHODS = ['get', 'put', 'post', 'delete', 'patch'] as const;
/** Whose unknown fields are refused. Forms are OAuth's, which ignores them (RFC 6749, section 3.1). */
const CLOSED_BODIES = ['application/json', 'multipart/form-data'];

/**
 * Adds what every operation would have to repeat. The document has to know `ProblemDocument`.
 *
 * @param scoped schemes whose scopes are named in the description, and what the description calls them
 */
export function completeOperations(document: OpenAPIObject, scoped: Readonly<Record<string, string>>): void {
  document.components = { ...document.components, headers: RESPONSE_HEADER_DOCS, responses: OTHER_PROBLEMS };
  const schemes = Object.keys(document.components.securitySchemes ?? {});
  for (const operations of Object.values(document.paths)) {
    for (const method of METHODS) {
      const operation = operations[method];
      if (!operation) continue;
      // None: open to anyone; by silence a reader could not tell that from forgotten. In the order of the dialog.
      operation.security = inOrderOf(schemes, operation.security ?? []);
      describeScopes(operation, scoped);
      completeErrors(operation);
      declareHeaders(operation);
      closeBody(document, operation);
    }
  }
}

/** A protocol with errors of its own says so by a default answer; all that the operation refuses has that shape. */
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

/** As `InputPipe` has it: a field that the schema does not name is refused. */
function closeBody({ components }: OpenAPIObject, { requestBody }: Operation): void {
  const content: Content = requestBody && 'content' in requestBody ? requestBody.content : {};
  for (const type of CLOSED_BODIES) {
    const reference = (content[type]?.schema as { $ref?: string } | undefined)?.$ref;
    const schema = components?.schemas?.[reference?.split('/').at(-1) ?? ''];
    if (schema && !('$ref' in schema)) schema.additionalProperties = false;
  }
}
