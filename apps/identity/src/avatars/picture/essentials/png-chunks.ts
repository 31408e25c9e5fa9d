import { inflateSync } from 'node:zlib';
import { Excerpt } from './excerpt.js';

const PNG_SIGNATURE = 8;
/** Length and type before the data of a chunk, and a checksum behind it. */
const PNG_CHUNK_HEAD = 8;
const PNG_CHECKSUM = 4;
/** The sixth bit of a type, a small first letter: who does not know the chunk may go without it. */
const PNG_ANCILLARY = 0x20_00_00_00;
/** Transparency, colours, and which side is up. */
const PNG_NEEDED = new Set(['tRNS', 'gAMA', 'cHRM', 'sRGB', 'eXIf'].map(pngTypeOf));
const ICC_PROFILE = pngTypeOf('iCCP');
/** Those of screens have some kilobytes, of printers a megabyte. Without, colours are a little off. */
const MAX_PROFILE_BYTES = 2 * 1024 * 1024;

/**
 * All critical chunks and the few others that change the picture (PNG specification, section 11). libpng inflates
 * every compressed text and profile, up to 50 MB each, and a file of 5 MB has room for 150 such. It knows nothing of
 * animation: without `acTL`, `fcTL` and `fdAT` the same picture is left.
 */
export function stripPng(png: Buffer): Buffer {
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

/** @param chunk a name, its end, a method, and what is deflated: a profile, which begins with its length */
function isBounded(chunk: Buffer): boolean {
  try {
    const profile = inflateSync(chunk.subarray(chunk.indexOf(0) + 2), { maxOutputLength: MAX_PROFILE_BYTES });
    return profile.readUInt32BE() <= MAX_PROFILE_BYTES;
  } catch {
    return false; // too large, or none
  }
}

function pngTypeOf(name: string): number {
  return Buffer.from(name, 'latin1').readUInt32BE();
}
