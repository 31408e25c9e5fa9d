import { AppError } from './app-error.js';
import { type FieldError } from './app-error.js';

type Where = (string | number)[];

/** Longer names from the request are cut in the response. */
const SHOWN_NAME_LENGTH = 64;

export class NotFound extends AppError {
  readonly code = 'not_found';
  constructor(detail = 'There is nothing at this address.') {
    super(detail);
  }
}

export class MethodNotAllowed extends AppError {
  readonly code = 'method_not_allowed';
  override readonly headers: Record<string, string>;
  constructor(allow: string) {
    super(`This address answers to ${allow}.`);
    this.headers = { allow };
  }
}

export class UnsupportedMediaType extends AppError {
  readonly code = 'request.unsupported_media_type';
  static expecting(types: readonly string[]): UnsupportedMediaType {
    return new UnsupportedMediaType(`Send the body as ${types.join(' or ')}, in UTF-8.`);
  }
}

/** Headers that another parser could read in a different way. */
export class InvalidHeaders extends AppError {
  readonly code = 'request.invalid_headers';
  constructor(
    detail: string,
    override readonly headers: Readonly<Record<string, string>> = {},
  ) {
    super(detail);
  }
}

export class TooManyHeaders extends AppError {
  readonly code = 'request.headers_too_large';
  constructor(most: number) {
    super(`A request may have ${most} headers at most.`);
  }
}

/** RFC 9112, section 6.1. Closes the connection: the end of the body is unknown. */
export class UnsupportedTransferCoding extends AppError {
  readonly code = 'request.unsupported_transfer_coding';
  override readonly headers = { connection: 'close' };
  constructor() {
    super('Send the body with Transfer-Encoding: chunked, or with Content-Length.');
  }
}

/** RFC 9110, section 10.1.1. */
export class ExpectationFailed extends AppError {
  readonly code = 'request.expectation_failed';
  constructor() {
    super('The only supported expectation is 100-continue.');
  }
}

export class InvalidEncoding extends AppError {
  readonly code = 'request.invalid_encoding';
  constructor(what: string) {
    super(`The ${what} is not valid UTF-8.`);
  }
}

export class InvalidJson extends AppError {
  readonly code = 'request.invalid_json';
  static at(line: number, column: number): InvalidJson {
    return new InvalidJson(`The body is not valid JSON: line ${line}, column ${column}.`);
  }
}

export class TooDeep extends AppError {
  readonly code = 'request.too_deep';
  constructor(depth: number) {
    super(`The body is nested deeper than ${depth} levels.`);
  }
}

/** More names or values than any route takes: checking them would cost too much. */
export class TooManyFields extends AppError {
  readonly code = 'request.too_many_fields';
}

export class DuplicateField extends AppError {
  readonly code = 'request.duplicate_field';
  override readonly errors: FieldError[];
  constructor(loc: Where) {
    super(`The field "${shownName(loc)}" is given more than once.`);
    this.errors = [{ loc: loc.map(shown), msg: 'Field given more than once', type: 'duplicate_field' }];
  }
}

export class ForbiddenField extends AppError {
  readonly code = 'request.forbidden_field';
  override readonly errors: FieldError[];
  constructor(loc: Where) {
    super(`No field may be called "${shownName(loc)}".`);
    this.errors = [{ loc: loc.map(shown), msg: 'Field name not allowed', type: 'forbidden_field' }];
  }
}

/** PostgreSQL cannot store NUL, and a lone surrogate has no UTF-8 encoding. */
export class InvalidText extends AppError {
  readonly code = 'request.invalid_text';
  override readonly errors: FieldError[];
  constructor(loc: Where) {
    super('Text may hold neither NUL characters nor lone surrogates.');
    this.errors = [{ loc: loc.map(shown), msg: 'NUL character or lone surrogate', type: 'invalid_text' }];
  }
}

/** Invalid fields. Also thrown by services, for rules that no decorator can check. */
export class InvalidInput extends AppError {
  readonly code = 'request.validation';

  constructor(override readonly errors: readonly FieldError[]) {
    super(errors.length === 1 ? 'One field is not valid.' : `${errors.length} fields are not valid.`);
  }
}

/** The client closed the connection before sending the whole body. Only the log shows the code. */
export class ClientGone extends AppError {
  readonly code = 'request.aborted';
  constructor() {
    super('The connection was closed before the request was complete.');
  }
}

export class DeadlinePassed extends AppError {
  readonly code = 'request.deadline';
  constructor() {
    super('The answer took too long; please try again.');
  }
}

function shownName(loc: Where): string {
  return String(shown(loc.at(-1) ?? ''));
}

function shown(step: string | number): string | number {
  if (typeof step === 'number' || step.length <= SHOWN_NAME_LENGTH) return step;
  return `${[...step.slice(0, SHOWN_NAME_LENGTH)].slice(0, -1).join('')}…`;
}
