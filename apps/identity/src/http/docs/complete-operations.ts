import { type OpenAPIObject } from '@nestjs/swagger';
import { PERSONAL_TOKEN_SCHEME, SERVICE_TOKEN_SCHEME } from './api-bearer.js';
import { problemContent } from './problem-content.js';

const METHODS = ['get', 'put', 'post', 'delete', 'patch'] as const;

/** Says what every operation would have to repeat. The document has to know `ProblemDocument`. */
export function completeOperations({ paths }: OpenAPIObject): void {
  for (const operations of Object.values(paths)) {
    for (const method of METHODS) {
      const operation = operations[method];
      if (!operation) continue;
      operation.security ??= []; // open to anyone; by silence a reader could not tell that from forgotten
      // Neither Swagger UI nor Redoc shows the scopes of a scheme that is not OAuth 2.
      const rolesIn = (scheme: string): string =>
        operation.security!.flatMap((way) => way[scheme] ?? []).join(' ');
      operation.description = paragraphs(
        operation.description,
        sentence('Scope for personal access tokens', rolesIn(PERSONAL_TOKEN_SCHEME)),
        sentence('Privilege for service tokens', rolesIn(SERVICE_TOKEN_SCHEME)),
      );
      const { default: ownDefault } = operation.responses;
      if (ownDefault && 'content' in ownDefault) {
        for (const [status, response] of Object.entries(operation.responses)) {
          if (Number(status) >= 400 && response) Object.assign(response, { content: ownDefault.content });
        }
      }
      operation.responses.default ??= {
        description: 'Any other error.',
        content: problemContent('request.unsupported_media_type'),
      };
    }
  }
}

function sentence(what: string, role: string): string {
  return role === '' ? '' : `${what}: \`${role}\`.`;
}

function paragraphs(...texts: (string | undefined)[]): string | undefined {
  return texts.filter(Boolean).join('\n\n') || undefined;
}
