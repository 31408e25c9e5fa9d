import { AppError } from '#http';

/** The file, or all that was sent with it, has more bytes than may be. */
export class AvatarTooLarge extends AppError {
  readonly code = 'avatars.too_large';

  constructor(maxBytes: number) {
    super(`A picture may have ${maxBytes} bytes at most.`);
  }
}

/** By its first bytes it is none of the kinds that are taken. */
export class NotAPicture extends AppError {
  readonly code = 'avatars.not_a_picture';

  constructor() {
    super('Send a PNG, JPEG, WebP or GIF picture; its content decides, not its name.');
  }
}

/** It begins like a picture, and cannot be decoded to its end. */
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

/**
 * More pictures are being received or decoded than this instance has memory and processors for, or another one of the
 * same user is.
 */
export class AvatarsBusy extends AppError {
  readonly code = 'avatars.busy';

  constructor() {
    super('Too many pictures are being received at this moment.');
  }
}
