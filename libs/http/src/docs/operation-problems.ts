import { getSchemaPath, type OpenAPIObject } from '@nestjs/swagger';
import { ERROR_STATUSES } from '../errors/error-statuses.js';
import { PROBLEM_MEDIA_TYPE } from '../errors/problem-response.js';
import { ProblemDocument } from './api-problems.js';

export type Operation = NonNullable<OpenAPIObject['paths'][string]['get']>;
export type Responses = Record<string, { description: string; content?: Content; headers?: object }>;
export type Content = Record<string, { schema?: object }>;

const CODE = /`([a-z_.]+)`/g;

/** Codes that any operation may return: for malformed requests, too many requests, and unexpected errors. */
const ANYWHERE = Object.keys(ERROR_STATUSES).filter(
  (code) => code.startsWith('request.') || code === 'unavailable' || code === 'internal',
);

/** Extension members that the problem of a code has besides those of every problem. */
const EXTENSIONS: Readonly<Record<string, Readonly<Record<string, object>>>> = {
  'auth.second_factor_required': {
    challenge: {
      type: 'string',
      description: 'For `POST /auth/login/second-factor`; valid for five minutes.',
    },
  },
};

/**
 * Lists the codes that a client may see, by status: those that `@ApiProblems()` lists in the description, and those that
 * any operation may return.
 */
export function completeProblems(operation: Operation): void {
  const responses = operation.responses as Responses;
  for (const [status, { description, content }] of Object.entries(responses)) {
    const problem = content?.[PROBLEM_MEDIA_TYPE];
    if (!problem) continue;
    const declared = [...description.matchAll(CODE)].map(([, code]) => code!);
    problem.schema = problemSchema([...new Set([...declared, ...anywhere(status)])]);
  }
  for (const name of Object.keys(OTHER_PROBLEMS)) {
    operation.responses[name] = { $ref: `#/components/responses/${name}` };
  }
}

function anywhere(hundredsOrStatus: string): string[] {
  return ANYWHERE.filter((code) => String(ERROR_STATUSES[code]!.status).startsWith(hundredsOrStatus));
}

/** One schema for the plain codes, and one for each code with extension members, told apart by `code`. */
function problemSchema(codes: readonly string[]): object {
  const plain = codes.filter((code) => !(code in EXTENSIONS));
  const variants = [
    ...(plain.length > 0 ? [variant(plain, {})] : []),
    ...codes.filter((code) => code in EXTENSIONS).map((code) => variant([code], EXTENSIONS[code]!)),
  ];
  return variants.length === 1 ? variants[0]! : { oneOf: variants };
}

function variant(codes: readonly string[], members: Readonly<Record<string, object>>): object {
  return {
    allOf: [
      { $ref: getSchemaPath(ProblemDocument) },
      {
        type: 'object',
        properties: { code: { type: 'string', enum: codes }, ...members },
        required: ['code', ...Object.keys(members)],
      },
    ],
  };
}

/** For `components`: errors of any operation with a status that it does not list. */
export const OTHER_PROBLEMS = {
  '4XX': other('Any other client error.', anywhere('4')),
  '5XX': other('Any other server error.', anywhere('5')),
};

function other(description: string, codes: readonly string[]): { description: string; content: Content } {
  return { description, content: { [PROBLEM_MEDIA_TYPE]: { schema: problemSchema(codes) } } };
}
