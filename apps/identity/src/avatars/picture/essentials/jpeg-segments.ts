import { Excerpt } from './excerpt.js';

/** A profile may be spread over 255 of them; EXIF and what a camera adds take some more. */
const MAX_APPLICATION_SEGMENTS = 300;
const JPEG_END = 0xd9;

/**
 * All but the application segments and comments beyond the first 300 (ITU-T T.81, annex B). libjpeg keeps them apart
 * in memory, wherever in the file they are: the 1.2 million empty ones that fit into 5 MB take 350 MB.
 *
 * Goes from marker to marker as libjpeg does, which passes over anything between them, coded pixels and rubbish.
 */
export function stripJpeg(jpeg: Buffer): Buffer {
  const excerpt = new Excerpt(jpeg);
  let kept = 0; // all before is decided
  let left = MAX_APPLICATION_SEGMENTS;
  let at = jpeg.indexOf(0xff, 2);
  while (at >= 0 && at + 4 <= jpeg.length) {
    const marker = jpeg[at + 1]!;
    if (marker === 0xff) {
      at += 1; // a filling byte
      continue;
    }
    if (marker === JPEG_END) break;
    let end = at + 2;
    if (!standsAlone(marker)) {
      end = Math.min(end + Math.max(jpeg.readUInt16BE(at + 2), 2), jpeg.length);
      if (isApplication(marker) && left-- <= 0) {
        excerpt.keep(kept, at);
        kept = end;
      }
    }
    at = jpeg[end] === 0xff ? end : jpeg.indexOf(0xff, end); // a call costs more than the look
  }
  excerpt.keep(kept, jpeg.length);
  return excerpt.bytes();
}

/** No marker but a byte of pixels, TEM, a restart, or the start. */
function standsAlone(marker: number): boolean {
  return marker <= 0x01 || (marker >= 0xd0 && marker <= 0xd8);
}

/** APP0 to APP15, and comments. */
function isApplication(marker: number): boolean {
  return (marker >= 0xe0 && marker <= 0xef) || marker === 0xfe;
}
