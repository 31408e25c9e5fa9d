import { stripJpeg } from './essentials/jpeg-segments.js';
import { stripPng } from './essentials/png-chunks.js';
import { stripWebp } from './essentials/webp-chunks.js';
import { type PictureKind } from './picture-kind.js';

/**
 * The file without what no avatar is made of. Decoders read all of a file before they tell its size: texts are
 * inflated, frames listed, segments kept. What a file says too much of costs gigabytes or minutes there.
 *
 * Nothing is repaired: what is truncated or lies about its length stays so, for the decoder to refuse.
 */
export function stripMetadata(file: Buffer, kind: PictureKind): Buffer {
  switch (kind) {
    case 'png':
      return stripPng(file);
    case 'jpeg':
      return stripJpeg(file);
    case 'webp':
      return stripWebp(file);
    case 'gif':
      return file; // measured: as many frames or comments as fit cost little
  }
}
