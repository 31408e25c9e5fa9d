export { BODY_LIMIT_BYTES, createHttpAdapter } from './adapter/fastify-adapter.js';
export { HttpModule, setupHttpPages } from './adapter/http.module.js';
export { ApiProblems, DATABASE_ERRORS, FieldErrorDocument } from './docs/api-problems.js';
export { type ApiDescription, buildOpenApi } from './docs/openapi.js';
export { AppError, type AppErrorLike, type FieldError, isAppError } from './errors/app-error.js';
export { declareErrors, ERROR_STATUSES, RETRY_SOON } from './errors/error-statuses.js';
export { type Problem } from './errors/problem-response.js';
export {
  ClientGone,
  DeadlinePassed,
  DuplicateField,
  InvalidInput,
  NotFound,
} from './errors/request-errors.js';
export { EmailField, normaliseEmail } from './fields/email-field.js';
export { field, type FieldOptions, isAString, listRule, rule, stringRule } from './fields/field.js';
export { cursorAfter, CursorField, idFromCursor, PageSizeField } from './fields/page-fields.js';
export { normalisePhone, PhoneField } from './fields/phone-field.js';
export {
  BooleanField,
  InstantField,
  IntegerField,
  isUuid,
  QueryBooleanField,
  QueryIntegerField,
  UuidField,
  UuidListField,
} from './fields/scalar-fields.js';
export { atLeast, atMost, ChoiceField, TextField } from './fields/text-field.js';
export { CacheTrace, Trace } from './hooks/cache-trace.js';
export { clientAddress, keepRemoteAddresses } from './hooks/client-address.js';
export { Deadline, DEADLINE_MS } from './hooks/deadline.js';
export { limitRequests, type RequestLimiter } from './hooks/request-limiter.js';
export { elapsedMs, type RequestObserver } from './hooks/request-observer.js';
export { isAnswered, recordRequests, type RequestRecorder } from './hooks/request-recorder.js';
export { MapErrors, routeConfig } from './hooks/route-config.js';
export { WithETag } from './hooks/with-etag.js';
export { Consumes, FORM } from './input/body-parsers.js';
export { InputPipe, UnknownFieldsIgnored } from './input/input.pipe.js';
export { parseJsonBody } from './input/json-body.js';
export { createLogger } from './log/logger.js';
export { NestLogger } from './log/nest-logger.js';
export { type PrincipalIds } from './log/request-log.js';
