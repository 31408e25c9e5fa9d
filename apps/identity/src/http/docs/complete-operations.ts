import { type OpenAPIObject } from '@nestjs/swagger';
import { PERSONAL_TOKEN_SCHEME } from './api-bearer.js';
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
      const scope = operation.security.flatMap((way) => way[PERSONAL_TOKEN_SCHEME] ?? []).join(' ');
      if (scope !== '') operation.description = paragraphs(operation.description, scopeSentence(scope));
      operation.responses.default = {
        description: 'Any other error.',
        content: problemContent('request.unsupported_media_type'),
      };
    }
  }
}

function scopeSentence(scope: string): string {
  return `Scope for personal access tokens: \`${scope}\`.`;
}

function paragraphs(...texts: (string | undefined)[]): string {
  return texts.filter(Boolean).join('\n\n');
}
