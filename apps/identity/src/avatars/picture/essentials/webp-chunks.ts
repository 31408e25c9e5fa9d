import { Excerpt } from './excerpt.js';

/** `RIFF`, the size of all that follows, `WEBP`. */
const RIFF_HEADER = 12;
/** Type and length before the data of a chunk. */
const CHUNK_HEAD = 8;
/** How often each may be there. The first frame is all we show; with two, an animation is still decoded as one. */
const WEBP_KEPT = new Map([
  ['VP8X', 1],
  ['ICCP', 1],
  ['ANIM', 1],
  ['ANMF', 2],
  ['ALPH', 1],
  ['VP8 ', 1],
  ['VP8L', 1],
  ['EXIF', 1],
]);

/**
 * The chunks of the first frames (WebP container specification, RFC 9649). The list of frames is gone through from its
 * begin for each of them: the 80,000 that fit into 5 MB take minutes.
 */
export function stripWebp(webp: Buffer): Buffer {
  const excerpt = new Excerpt(webp);
  excerpt.keep(0, RIFF_HEADER);
  const left = new Map(WEBP_KEPT);
  const size = webp.readUInt32LE(4);
  const fileEnd = Math.min(CHUNK_HEAD + size, webp.length);
  let dropped = 0;
  let at = RIFF_HEADER;
  while (at + CHUNK_HEAD <= fileEnd) {
    const type = webp.toString('latin1', at, at + 4);
    const length = webp.readUInt32LE(at + 4);
    const end = Math.min(at + CHUNK_HEAD + length + (length % 2), fileEnd);
    const more = left.get(type) ?? 0;
    if (more > 0) {
      left.set(type, more - 1);
      excerpt.keep(at, end);
    } else {
      dropped += end - at;
    }
    at = end;
  }
  dropped += Math.max(fileEnd - at, 0); // less than a head
  const kept = excerpt.bytes();
  // Of a truncated file it goes on to say that there is more.
  kept.writeUInt32LE(size - dropped, 4);
  return kept;
}
