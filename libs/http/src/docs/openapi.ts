import { type INestApplication } from '@nestjs/common';
import { DocumentBuilder, type OpenAPIObject, SwaggerModule } from '@nestjs/swagger';
import { packageVersion } from '#runtime';
import { ProblemDocument } from './api-problems.js';
import { completeOperations } from './complete-operations.js';

/** A service's description of its API. */
export interface ApiDescription {
  /** Sets title, description, tags and security schemes. */
  readonly describe: (builder: DocumentBuilder) => DocumentBuilder;
  /** Paths that come first within their tag. */
  readonly leading: readonly string[];
  /** Security schemes whose scopes are named in the description of an operation, with the label to use there. */
  readonly scoped: Readonly<Record<string, string>>;
}

/** The OpenAPI document of the whole app. */
export function buildOpenApi(
  app: INestApplication,
  { describe, leading, scoped }: ApiDescription,
): OpenAPIObject {
  const builder = new DocumentBuilder().setOpenAPIVersion('3.1.0').setVersion(packageVersion());
  const config = describe(builder).build();
  const document = SwaggerModule.createDocument(app, config, {
    extraModels: [ProblemDocument],
    // Generated clients name their calls after the handlers.
    operationIdFactory: (_controller, method) => method,
    autoTagControllers: false,
  });
  document.paths = inOrderOfTags(document, leading);
  completeOperations(document, scoped);
  return document;
}

/** In the order of the tags, not of the modules. */
function inOrderOfTags(
  { tags = [], paths }: OpenAPIObject,
  leading: readonly string[],
): OpenAPIObject['paths'] {
  const names = tags.map(({ name }) => name);
  const tagOf = (path: string): number =>
    Math.min(
      ...Object.values(paths[path] as Record<string, { tags?: string[] }>).map((operation) =>
        names.indexOf(operation.tags?.[0] ?? ''),
      ),
    );
  const rank = (path: string): number => (leading.includes(path) ? leading.indexOf(path) : leading.length);
  const sorted = Object.keys(paths).sort(
    (one, other) => tagOf(one) - tagOf(other) || rank(one) - rank(other),
  );
  return Object.fromEntries(sorted.map((path) => [path, paths[path]!]));
}
