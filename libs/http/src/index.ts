export { setupHttpPages } from './adapter/configure-http.js';
export { BODY_LIMIT_BYTES, createHttpAdapter } from './adapter/fastify-adapter.js';
export { HttpModule } from './adapter/http.module.js';
export { parseJsonBody } from './body/json-body.js';
export { Consumes, FORM } from './body/media-types.js';
export { ApiProblems, DATABASE_ERRORS } from './docs/api-problems.js';
export { type ApiDescription, buildOpenApi } from './docs/openapi.js';
export { FieldErrorDocument } from './docs/problem-document.js';
export { AppError, type AppErrorLike, isAppError } from './errors/app-error.js';
export { declareErrors, ERROR_STATUSES, RETRY_SOON } from './errors/error-statuses.js';
export { type FieldError, type Problem } from './errors/problem.js';
export { ClientGone, DeadlinePassed, DuplicateField, NotFound } from './errors/request-errors.js';
export { BooleanField, QueryBooleanField } from './fields/boolean-field.js';
export { ChoiceField } from './fields/choice-field.js';
export { EmailField, normaliseEmail } from './fields/email-field.js';
export { field, type FieldOptions, isAString, listRule, rule, stringRule } from './fields/field.js';
export { InstantField } from './fields/instant-field.js';
export { IntegerField, QueryIntegerField } from './fields/integer-field.js';
export { CursorField, PageSizeField } from './fields/page-fields.js';
export {
  GivenPasswordField,
  MAX_PASSWORD_BYTES,
  MIN_PASSWORD_CHARACTERS,
  PasswordField,
} from './fields/password-field.js';
export { normalisePhone, PhoneField } from './fields/phone-field.js';
export { TextField } from './fields/text-field.js';
export { UsernameField } from './fields/username-field.js';
export { isUuid, UuidField, UuidListField } from './fields/uuid-field.js';
export { elapsedMs } from './hooks/arrival.js';
export { CacheTrace, Trace } from './hooks/cache-trace.js';
export { clientAddress, keepRemoteAddresses } from './hooks/client-address.js';
export { Deadline, DEADLINE_MS } from './hooks/deadline.js';
export { MapErrors } from './hooks/map-errors.js';
export { limitRequests, type RequestLimiter } from './hooks/request-limiter.js';
export { type RequestObserver } from './hooks/request-observer.js';
export { isAnswered, recordRequests, type RequestRecorder } from './hooks/request-recorder.js';
export { routeConfig } from './hooks/route-config.js';
export { WithETag } from './hooks/with-etag.js';
export { InputPipe } from './input/input.pipe.js';
export { InvalidInput } from './input/invalid-input.js';
export { cursorAfter, idFromCursor } from './input/page-cursor.js';
export { UnknownFieldsIgnored } from './input/unknown-fields-ignored.js';
export { createLogger } from './log/logger.js';
export { NestLogger } from './log/nest-logger.js';
export { type PrincipalIds } from './log/request-log.js';
