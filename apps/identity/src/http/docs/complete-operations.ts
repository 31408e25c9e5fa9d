import { type OpenAPIObject } from '@nestjs/swagger';
import { problemContent } from './problem-content.js';

const METHODS = ['get', 'put', 'post', 'delete', 'patch'] as const;

/** Says what every operation would have to repeat. The document has to know `ProblemDocument`. */
export function completeOperations({ paths }: OpenAPIObject): void {
  for (const operations of Object.values(paths)) {
    for (const method of METHODS) {
      const operation = operations[method];
      if (!operation) continue;
      operation.security ??= []; // open to anyone; by silence a reader could not tell that from forgotten
      operation.responses.default = {
        description: 'Any other error.',
        content: problemContent('request.unsupported_media_type'),
      };
    }
  }
}
