import { type AvatarPictures } from '#storage';
import { Injectable } from '@nestjs/common';
import { bulkhead, isBulkheadRejectedError } from 'cockatiel';
import sharp, { type Sharp, type SharpOptions } from 'sharp';
import { AvatarsBusy, BrokenPicture, NotAPicture } from './avatar-errors.js';
import { stripMetadata } from './metadata-stripping.js';
import { pictureKind, refuseCostly } from './picture-size.js';

// libvips works on libuv's four threads, and password hashing takes up to three of them.
const WORKERS = 1;
const QUEUE = 16;
/** Ten times as long as the costliest picture within the limits takes. */
const TIMEOUT_SECONDS = 5;
const QUALITY = 80;

// For the whole process: sharp has no settings per instance.
sharp.cache(false);
sharp.concurrency(1);
sharp.block({ operation: ['VipsForeignLoad'] });
sharp.unblock({
  operation: [
    'VipsForeignLoadPngBuffer',
    'VipsForeignLoadJpegBuffer',
    'VipsForeignLoadWebpBuffer',
    'VipsForeignLoadNsgifBuffer',
  ],
});

const INPUT: SharpOptions = {
  failOn: 'error', // truncation included; `warning` would refuse what many cameras write
  sequentialRead: true,
  pages: 1,
  limitInputPixels: false, // `refuseCostly` limits more strictly, and says why
};

/** Makes avatars from uploaded pictures. */
@Injectable()
export class AvatarProcessor {
  private readonly lane = bulkhead(WORKERS, QUEUE);

  /**
   * Upright, square, cropped around the centre, in sRGB, without metadata; the first frame of an animation.
   *
   * @param isAwaited called when its turn comes: a picture that no client waits for is not decoded
   * @throws NotAPicture, BrokenPicture, TooManyPixels, AvatarsBusy
   */
  async make(file: Buffer, isAwaited = (): boolean => true): Promise<AvatarPictures> {
    const kind = pictureKind(file);
    if (!kind) throw new NotAPicture();
    try {
      return await this.lane.execute(() => {
        if (!isAwaited()) throw new AvatarsBusy();
        return decode(stripMetadata(file, kind));
      });
    } catch (error) {
      throw isBulkheadRejectedError(error) ? new AvatarsBusy() : error;
    }
  }
}

async function decode(file: Buffer): Promise<AvatarPictures> {
  refuseCostly(await unbroken(sharp(file, INPUT).metadata()));
  const { data, info } = await unbroken(
    sharp(file, INPUT)
      .timeout({ seconds: TIMEOUT_SECONDS })
      .autoOrient()
      .resize(512, 512, { fit: 'cover' })
      .toColourspace('srgb')
      .raw()
      .toBuffer({ resolveWithObject: true }),
  );
  const big = (): Sharp =>
    sharp(data, { raw: { width: info.width, height: info.height, channels: info.channels } });
  return {
    512: await big().webp({ quality: QUALITY }).toBuffer(),
    128: await big().resize(128, 128).webp({ quality: QUALITY }).toBuffer(),
  };
}

/** Any failure before the pixels are decoded is caused by the picture. */
async function unbroken<T>(work: Promise<T>): Promise<T> {
  try {
    return await work;
  } catch (error) {
    throw new BrokenPicture(error);
  }
}
