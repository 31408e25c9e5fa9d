import { STATUS_CODES } from 'node:http';
import { applyDecorators } from '@nestjs/common';
import { ApiExtraModels, ApiResponse } from '@nestjs/swagger';
import { ERROR_STATUSES } from '../errors/error-statuses.js';
import { problemContent } from './problem-content.js';
import { ProblemDocument } from './problem-document.js';

/** What everything that needs PostgreSQL may answer. */
export const DATABASE_ERRORS = ['database.unavailable', 'database.timeout', 'request.deadline'] as const;

/**
 * Documents the errors of an operation: a status by itself (`404`), or codes of the fault table
 * (`'users.email_taken'`), which are listed under their status.
 */
export function ApiProblems(...faults: (number | string)[]): MethodDecorator & ClassDecorator {
  const codesByStatus = new Map<number, string[]>();
  for (const fault of faults) {
    const status = typeof fault === 'number' ? fault : statusOf(fault);
    const codes = codesByStatus.get(status) ?? [];
    codesByStatus.set(status, typeof fault === 'number' ? codes : [...codes, fault]);
  }
  const responses = [...codesByStatus].map(([status, codes]) => problemResponse(status, codes));
  return applyDecorators(ApiExtraModels(ProblemDocument), ...responses);
}

function problemResponse(status: number, codes: readonly string[]): MethodDecorator & ClassDecorator {
  return ApiResponse({
    status,
    // Decorators that speak of the same status add up, a paragraph each.
    description: codes.map((code) => `\`${code}\``).join(', ') || STATUS_CODES[status],
    content: problemContent(codes[0]),
  });
}

/** A misspelt code fails when the class is read, not when a client meets it. */
function statusOf(code: string): number {
  const row = ERROR_STATUSES[code];
  if (!row) throw new Error(`"${code}" is not in the fault table.`);
  return row.status;
}
