import { AppError } from '#http';

/** The file, or the whole body, is too large. */
export class AvatarTooLarge extends AppError {
  readonly code = 'avatars.too_large';

  constructor(maxBytes: number) {
    super(`A picture may have ${maxBytes} bytes at most.`);
  }
}

/** The first bytes are those of no accepted format. */
export class NotAPicture extends AppError {
  readonly code = 'avatars.not_a_picture';

  constructor() {
    super('Send a PNG, JPEG, WebP or GIF picture; its content decides, not its name.');
  }
}

/** It begins like a picture and cannot be decoded to its end. */
export class BrokenPicture extends AppError {
  readonly code = 'avatars.broken_picture';

  constructor(cause?: unknown) {
    super('The picture is truncated or damaged.', { cause });
  }
}

export class TooManyPixels extends AppError {
  readonly code = 'avatars.too_many_pixels';

  constructor(detail: string) {
    super(detail);
  }
}

/** This instance receives or decodes too many pictures at the moment, or another one of the same user. */
export class AvatarsBusy extends AppError {
  readonly code = 'avatars.busy';

  constructor() {
    super('Too many pictures are being received at this moment.');
  }
}
