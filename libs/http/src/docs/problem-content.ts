import { getSchemaPath } from '@nestjs/swagger';
import { problemResponse } from '../errors/problem-answer.js';
import { PROBLEM_MEDIA_TYPE, type Problem } from '../errors/problem.js';
import { ERROR_STATUSES } from '../errors/error-statuses.js';
import { ProblemDocument } from './problem-document.js';

/** The body of an error in the document; `code` is the one that the example shows. */
export function problemContent(code?: string): Record<string, object> {
  const example = code === undefined || isOfFields(code) ? {} : { example: exampleOf(code) };
  return { [PROBLEM_MEDIA_TYPE]: { schema: { $ref: getSchemaPath(ProblemDocument) }, ...example } };
}

/** What the schema shows by itself is such a one, with the refused field. */
function isOfFields(code: string): boolean {
  return code === 'request.validation';
}

function exampleOf(code: string): Problem {
  const fault = Object.assign(new Error(`${ERROR_STATUSES[code]?.title}.`), { code });
  return problemResponse(fault).problem;
}
