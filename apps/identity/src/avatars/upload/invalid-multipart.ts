import { AppError } from '#http';

/** No boundary, a boundary that never comes, headers that are none, or an end before the end. */
export class InvalidMultipart extends AppError {
  readonly code = 'request.invalid_multipart';

  constructor(cause: unknown) {
    super('The body is not a complete multipart/form-data document.', { cause });
  }
}
