export type PictureKind = 'png' | 'jpeg' | 'webp' | 'gif';

/** By the first bytes; `undefined` for anything else, whatever it calls itself. */
export function pictureKind(bytes: Buffer): PictureKind | undefined {
  const begin = bytes.toString('latin1', 0, 12);
  if (begin.startsWith('\x89PNG\r\n\x1a\n')) return 'png';
  if (begin.startsWith('\xff\xd8\xff')) return 'jpeg';
  if (/^RIFF[^]{4}WEBP$/.test(begin)) return 'webp';
  if (/^GIF8[79]a/.test(begin)) return 'gif';
  return undefined;
}
