import { type AvatarPictures } from '#storage';
import { Injectable } from '@nestjs/common';
import { bulkhead, isBulkheadRejectedError } from 'cockatiel';
import sharp, { type Sharp, type SharpOptions } from 'sharp';
import { AvatarsBusy, BrokenPicture, NotAPicture } from '../avatar-errors.js';
import { stripMetadata } from './essential-chunks.js';
import { pictureKind } from './picture-kind.js';
import { refuseCostly } from './picture-size.js';

// libvips works on libuv's four threads, of which passwords take up to three.
const WORKERS = 1;
const QUEUE = 16;
/** Ten times what the costliest picture within the limits takes. */
const TIMEOUT_SECONDS = 5;
const QUALITY = 80;

// The process's, not this class's: sharp knows no other way.
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

/** Makes avatars of whatever people send. */
@Injectable()
export class AvatarProcessor {
  private readonly lane = bulkhead(WORKERS, QUEUE);

  /**
   * Upright, square, filled from the middle, in sRGB, without metadata; of an animation the first frame.
   *
   * @param isAwaited asked when its turn comes: what nobody waits for any more is not decoded
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
    } catch (fault) {
      throw isBulkheadRejectedError(fault) ? new AvatarsBusy() : fault;
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

/** All that can go wrong before the pixels are there is the picture's fault. */
async function unbroken<T>(work: Promise<T>): Promise<T> {
  try {
    return await work;
  } catch (error) {
    throw new BrokenPicture(error);
  }
}
