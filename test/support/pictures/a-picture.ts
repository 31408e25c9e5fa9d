import sharp, { type Sharp } from 'sharp';

export const KINDS = ['png', 'jpeg', 'webp', 'gif'] as const;
export type Kind = (typeof KINDS)[number];

/** A picture of 300 by 200 pixels, red above and blue below. */
export async function aPicture(kind: Kind = 'png', width = 300, height = 200): Promise<Buffer> {
  const half = await sharp({
    create: { width, height: Math.ceil(height / 2), channels: 3, background: '#0000ff' },
  })
    .png()
    .toBuffer();
  const picture: Sharp = sharp({ create: { width, height, channels: 3, background: '#ff0000' } }).composite([
    { input: half, gravity: 'south' },
  ]);
  return picture.toFormat(kind).toBuffer();
}

/** A picture whose pixels do not shrink. */
export async function aNoisyPicture(kind: Kind, width = 200, height = 200): Promise<Buffer> {
  const pixels = Buffer.alloc(width * height * 3);
  for (let n = 0, seed = 1; n < pixels.length; n++) {
    seed = (Math.imul(seed, 1_103_515_245) + 12_345) >>> 0;
    pixels[n] = seed >>> 24;
  }
  return sharp(pixels, { raw: { width, height, channels: 3 } })
    .toFormat(kind)
    .toBuffer();
}
