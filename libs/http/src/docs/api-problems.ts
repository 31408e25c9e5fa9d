import { STATUS_CODES } from 'node:http';
import { applyDecorators } from '@nestjs/common';
import { ApiExtraModels, ApiProperty, ApiResponse, ApiSchema, getSchemaPath } from '@nestjs/swagger';
import { ERROR_STATUSES } from '../errors/error-statuses.js';
import { type Problem, PROBLEM_MEDIA_TYPE, problemResponse } from '../errors/problem-response.js';
import { type FieldError } from '../errors/app-error.js';

/** The errors of every operation that needs PostgreSQL. */
export const DATABASE_ERRORS = ['database.unavailable', 'database.timeout', 'request.deadline'] as const;

/**
 * Documents the errors of an operation: a status (`404`), or error codes (`'users.email_taken'`), which are listed under
 * their status.
 */
export function ApiProblems(...errors: (number | string)[]): MethodDecorator & ClassDecorator {
  const codesByStatus = new Map<number, string[]>();
  for (const error of errors) {
    const status = typeof error === 'number' ? error : statusOf(error);
    const codes = codesByStatus.get(status) ?? [];
    codesByStatus.set(status, typeof error === 'number' ? codes : [...codes, error]);
  }
  const responses = [...codesByStatus].map(([status, codes]) => documentedResponse(status, codes));
  return applyDecorators(ApiExtraModels(ProblemDocument), ...responses);
}

function documentedResponse(status: number, codes: readonly string[]): MethodDecorator & ClassDecorator {
  return ApiResponse({
    status,
    // Several decorators for one status add up, a paragraph each.
    description: codes.map((code) => `\`${code}\``).join(', ') || STATUS_CODES[status],
    content: problemContent(codes[0]),
  });
}

/** A misspelt code fails when the class is loaded, not at a client's request. */
function statusOf(code: string): number {
  const row = ERROR_STATUSES[code];
  if (!row) throw new Error(`"${code}" is not in ERROR_STATUSES.`);
  return row.status;
}

/** The body of an error; `code` is the one in the example. */
function problemContent(code?: string): Record<string, object> {
  // The schema's own example is a `request.validation` with the refused field.
  const example = code === undefined || code === 'request.validation' ? {} : { example: exampleOf(code) };
  return { [PROBLEM_MEDIA_TYPE]: { schema: { $ref: getSchemaPath(ProblemDocument) }, ...example } };
}

function exampleOf(code: string): Problem {
  const error = Object.assign(new Error(`${ERROR_STATUSES[code]?.title}.`), { code });
  return problemResponse(error).problem;
}

@ApiSchema({ name: 'FieldError', description: 'One refused field.' })
export class FieldErrorDocument implements FieldError {
  @ApiProperty({
    type: 'array',
    items: { oneOf: [{ type: 'string' }, { type: 'integer' }] },
    description: 'Where the field is.',
    example: ['body', 'email'],
  })
  loc!: (string | number)[];

  @ApiProperty({ type: 'string', description: 'For people.', example: 'Field required' })
  msg!: string;

  @ApiProperty({ type: 'string', description: 'For programs; stable.', example: 'missing' })
  type!: string;
}

@ApiSchema({ name: 'Problem', description: 'Every error (RFC 9457).' })
export class ProblemDocument implements Problem {
  [extension: string]: unknown;

  @ApiProperty({ type: 'string', format: 'uri', example: 'urn:usher:problem:request.validation' })
  type!: string;

  @ApiProperty({ type: 'string', example: 'Invalid input' })
  title!: string;

  @ApiProperty({ type: 'integer', minimum: 400, maximum: 599, example: 422 })
  status!: number;

  @ApiProperty({
    type: 'string',
    description: 'What went wrong in this request.',
    example: 'One field is not valid.',
  })
  detail!: string;

  @ApiProperty({ type: 'string', description: 'Stable; branch on this.', example: 'request.validation' })
  code!: string;

  @ApiProperty({
    type: [FieldErrorDocument],
    required: false,
    description: 'The refused fields, where there are any.',
  })
  errors?: FieldErrorDocument[];
}
