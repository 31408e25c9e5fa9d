import { inflateSync } from 'node:zlib';
import { type PictureKind } from './picture-size.js';

/**
 * The file without the parts that an avatar does not need. Decoders read the whole file before they report its size:
 * they inflate texts, list frames and keep segments. Crafted metadata costs them gigabytes or minutes.
 *
 * Nothing is repaired: a truncated file or a wrong length stays as it is, and the decoder refuses it.
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
      return file; // measured: even a file full of frames or comments costs little
  }
}

const PNG_SIGNATURE = 8;
/** Before the data of a chunk: its length and type. After it: a checksum. */
const PNG_CHUNK_HEAD = 8;
const PNG_CHECKSUM = 4;
/** Bit 5 of the first letter (lower case): a decoder that does not know the chunk may ignore it. */
const PNG_ANCILLARY = 0x20_00_00_00;
/** Transparency, colours and orientation. */
const PNG_NEEDED = new Set(['tRNS', 'gAMA', 'cHRM', 'sRGB', 'eXIf'].map(pngTypeOf));
const ICC_PROFILE = pngTypeOf('iCCP');
/** Profiles of screens have some kilobytes, of printers a megabyte. Without one, colours are a little off. */
const MAX_PROFILE_BYTES = 2 * 1024 * 1024;

/**
 * Keeps the critical chunks and the few others that change the picture (PNG specification, section 11). libpng
 * inflates every compressed text and profile, up to 50 MB each, and a file of 5 MB has room for 150 of them. libpng
 * ignores animation: without `acTL`, `fcTL` and `fdAT` it decodes the same picture.
 */
function stripPng(png: Buffer): Buffer {
  const excerpt = new Excerpt(png);
  excerpt.keep(0, PNG_SIGNATURE);
  let profiles = 0;
  for (let at = PNG_SIGNATURE; at + PNG_CHUNK_HEAD <= png.length;) {
    const type = png.readUInt32BE(at + 4);
    const end = Math.min(at + PNG_CHUNK_HEAD + png.readUInt32BE(at) + PNG_CHECKSUM, png.length);
    if (type === ICC_PROFILE) {
      if (profiles++ === 0 && isBounded(png.subarray(at + PNG_CHUNK_HEAD, end - PNG_CHECKSUM)))
        excerpt.keep(at, end);
    } else if (!(type & PNG_ANCILLARY) || PNG_NEEDED.has(type)) {
      excerpt.keep(at, end);
    }
    at = end;
  }
  return excerpt.bytes();
}

/** @param chunk a name, a NUL, a method and the deflated profile, which begins with its length */
function isBounded(chunk: Buffer): boolean {
  try {
    const profile = inflateSync(chunk.subarray(chunk.indexOf(0) + 2), { maxOutputLength: MAX_PROFILE_BYTES });
    return profile.readUInt32BE() <= MAX_PROFILE_BYTES;
  } catch {
    return false; // too large, or not a profile
  }
}

function pngTypeOf(name: string): number {
  return Buffer.from(name, 'latin1').readUInt32BE();
}

/** A profile may span 255 of them; EXIF and the camera's own take a few more. */
const MAX_APPLICATION_SEGMENTS = 300;
const JPEG_END = 0xd9;

/**
 * Drops application segments and comments beyond the first 300 (ITU-T T.81, annex B). libjpeg allocates memory for each
 * of them, anywhere in the file: the 1.2 million empty ones that fit into 5 MB take 350 MB.
 *
 * Goes from marker to marker as libjpeg does, which skips everything in between, coded pixels and garbage.
 */
function stripJpeg(jpeg: Buffer): Buffer {
  const excerpt = new Excerpt(jpeg);
  let kept = 0; // everything before is decided
  let left = MAX_APPLICATION_SEGMENTS;
  let at = jpeg.indexOf(0xff, 2);
  while (at >= 0 && at + 4 <= jpeg.length) {
    const marker = jpeg[at + 1]!;
    if (marker === 0xff) {
      at += 1; // a fill byte
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
    at = jpeg[end] === 0xff ? end : jpeg.indexOf(0xff, end); // comparing one byte is cheaper than a call
  }
  excerpt.keep(kept, jpeg.length);
  return excerpt.bytes();
}

/** Without a length: an escaped byte of pixels, TEM, a restart, or the start of the image. */
function standsAlone(marker: number): boolean {
  return marker <= 0x01 || (marker >= 0xd0 && marker <= 0xd8);
}

/** APP0 to APP15, and comments. */
function isApplication(marker: number): boolean {
  return (marker >= 0xe0 && marker <= 0xef) || marker === 0xfe;
}

/** `RIFF`, the size of all that follows, `WEBP`. */
const RIFF_HEADER = 12;
/** Type and length before the data of a chunk. */
const CHUNK_HEAD = 8;
/** How many of each are kept. Only the first frame is shown; with two, the file still decodes as an animation. */
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
 * Keeps the chunks of the first frames (WebP container specification, RFC 9649). libwebp walks the list of frames from
 * its start for each frame: the 80,000 that fit into 5 MB take minutes.
 */
function stripWebp(webp: Buffer): Buffer {
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
  dropped += Math.max(fileEnd - at, 0); // less than a chunk's head
  const kept = excerpt.bytes();
  // The size of a truncated file still says that bytes are missing.
  kept.writeUInt32LE(size - dropped, 4);
  return kept;
}

/** Ranges of a file, one after the other. Each byte is copied once, however many ranges there are. */
class Excerpt {
  private readonly kept: Buffer;
  private length = 0;
  private from = 0;
  private to = 0;

  constructor(private readonly file: Buffer) {
    this.kept = Buffer.allocUnsafe(file.length);
  }

  /** Bytes of `file`; ranges come in order and do not overlap. */
  keep(from: number, to: number): void {
    if (from === to) return;
    if (from !== this.to) {
      this.#copy();
      this.from = from;
    }
    this.to = to;
  }

  bytes(): Buffer {
    this.#copy();
    this.from = this.to;
    return this.kept.subarray(0, this.length);
  }

  #copy(): void {
    this.length += this.file.copy(this.kept, this.length, this.from, this.to);
  }
}
