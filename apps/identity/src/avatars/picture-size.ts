import { type Metadata } from 'sharp';
import { TooManyPixels } from './avatar-errors.js';

export type PictureKind = 'png' | 'jpeg' | 'webp' | 'gif';

/** By the first bytes, never by name or content type; `undefined` for any other format. */
export function pictureKind(bytes: Buffer): PictureKind | undefined {
  const begin = bytes.toString('latin1', 0, 12);
  if (begin.startsWith('\x89PNG\r\n\x1a\n')) return 'png';
  if (begin.startsWith('\xff\xd8\xff')) return 'jpeg';
  if (/^RIFF[^]{4}WEBP$/.test(begin)) return 'webp';
  if (/^GIF8[79]a/.test(begin)) return 'gif';
  return undefined;
}

/** More than any camera whose pictures fit into 5 MB. */
const MAX_PIXELS = 50_000_000;
/** For pictures that cannot be decoded row by row. A progressive JPEG of 24 megapixels just fits. */
const MAX_HELD_BYTES = 150_000_000;
/** For all pixels together, which decides how long decoding takes: 50 megapixels with transparency just fit. */
const MAX_DECODED_BYTES = 200_000_000;
/** Beyond it, filling a square would scale a thin strip up to millions of columns. */
const MAX_RATIO = 100;

/**
 * Refuses pictures that would take too much memory, from the header alone, before a pixel is decoded. A file of 5 MB
 * can decode to gigabytes: an interlaced PNG of zeros shrinks a thousandfold.
 *
 * @throws TooManyPixels
 */
export function refuseCostly(header: Metadata): void {
  const { width, height, channels, depth } = header;
  const pixels = width * height;
  if (pixels > MAX_PIXELS) {
    throw new TooManyPixels(`A picture may have ${MAX_PIXELS / 1_000_000} megapixels at most.`);
  }
  if (Math.max(width, height) > MAX_RATIO * Math.min(width, height)) {
    throw new TooManyPixels(`One side of a picture may be ${MAX_RATIO} times as long as the other at most.`);
  }
  const decoded = channels * bytesPerChannel(depth);
  if (pixels * decoded > MAX_DECODED_BYTES) {
    throw new TooManyPixels(
      `A picture of this depth may have ${megapixels(MAX_DECODED_BYTES / decoded)} at most.`,
    );
  }
  const held = heldBytesPerPixel(header);
  if (pixels * held > MAX_HELD_BYTES) {
    throw new TooManyPixels(
      `A picture of this kind, which cannot be decoded row by row, may have ${megapixels(MAX_HELD_BYTES / held)} at most.`,
    );
  }
}

/** Bytes that the decoder keeps at once, measured; 0 when it goes row by row. */
function heldBytesPerPixel({ format, isProgressive, channels, depth, pages = 1 }: Metadata): number {
  if (format === 'gif') return 6;
  if (format === 'webp') return pages > 1 ? 8 : 4;
  if (!isProgressive) return 0;
  if (format === 'jpeg') return 2 * channels; // the coefficients of all scans, 16 bits each
  return channels * bytesPerChannel(depth) * 1.25;
}

function bytesPerChannel(depth: Metadata['depth']): number {
  return depth === 'uchar' ? 1 : 2;
}

function megapixels(pixels: number): string {
  return `${Math.floor(pixels / 1_000_000)} megapixels`;
}
