import { describe, expect, it } from '@jest/globals';
import sharp from 'sharp';
import { PictureMaker } from '../../apps/identity/src/avatars/picture/picture-maker.js';
import { aNoisyPicture, aPicture, KINDS } from '../support/pictures/a-picture.js';
import { aBlankPng } from '../support/pictures/blank-png.js';

const MB = 1024 * 1024;

describe('PictureMaker', () => {
  const maker = new PictureMaker();

  async function refusal(file: Buffer | string): Promise<unknown> {
    const error: unknown = await maker.make(Buffer.from(file)).catch((fault: unknown) => fault);
    return (error as { code?: unknown }).code;
  }

  it.each(KINDS)('makes two squares of WebP of a %s', async (kind) => {
    const made = await maker.make(await aPicture(kind));
    for (const size of [512, 128] as const) {
      const { format, width, height } = await sharp(made[size]).metadata();
      expect([format, width, height]).toEqual(['webp', size, size]);
    }
  });

  it('takes the first frame of an animation', async () => {
    const frames = await sharp([await aPicture('png', 64, 64), await aNoisyPicture('png', 64, 64)], {
      join: { animated: true },
    })
      .gif({ delay: [100, 100] })
      .toBuffer();
    expect((await sharp(frames).metadata()).pages).toBe(2);
    const { pages = 1, height } = await sharp((await maker.make(frames))[512]).metadata();
    expect([pages, height]).toEqual([1, 512]);
  });

  it('turns a picture upright as its EXIF says, and keeps nothing of what it says', async () => {
    const taken = await sharp(await aPicture('jpeg'))
      .withExif({
        IFD0: { Copyright: 'canary' },
        IFD3: { GPSLatitudeRef: 'N', GPSLatitude: '51/1 30/1 0/1' },
      })
      .withMetadata({ orientation: 6 }) // its top is the right side
      .toBuffer();
    expect((await sharp(taken).metadata()).exif?.toString('latin1')).toContain('canary');

    const made = await maker.make(taken);
    for (const picture of [made[512], made[128]]) {
      const { exif, xmp, icc, iptc, orientation } = await sharp(picture).metadata();
      expect([exif, xmp, icc, iptc, orientation]).toEqual([
        undefined,
        undefined,
        undefined,
        undefined,
        undefined,
      ]);
      expect(Buffer.from(picture).toString('latin1')).not.toMatch(/canary|EXIF|GPS/);
    }
    const { data, info } = await sharp(made[128]).raw().toBuffer({ resolveWithObject: true });
    const colour = (x: number, y: number): number[] =>
      [0, 1, 2].map((channel) => Math.round(data[(y * info.width + x) * info.channels + channel]! / 255));
    expect(colour(120, 64)).toEqual([1, 0, 0]);
    expect(colour(8, 64)).toEqual([0, 0, 1]);
  });

  it.each([
    ['nothing', ''],
    [
      'an SVG',
      '<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9"><script>alert(1)</script></svg>',
    ],
    ['HTML', '<!doctype html><script>alert(1)</script>'],
    ['a TIFF', 'II*\0\x08\0\0\0'],
    ['a PDF', '%PDF-1.7'],
  ])('refuses %s by its content', async (_, file) => {
    expect(await refusal(file)).toBe('avatars.not_a_picture');
  });

  it.each([
    ['HTML behind the first bytes of a GIF', 'GIF89a<html><script>alert(1)</script></html>'],
    [
      'an SVG behind the first bytes of a GIF',
      'GIF89a<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9"/>',
    ],
    ['the first bytes of a PNG alone', Buffer.from('\x89PNG\r\n\x1a\n', 'latin1')],
    ['HTML behind the first bytes of a JPEG', Buffer.from('\xff\xd8\xff<script>', 'latin1')],
    ['an empty WebP', Buffer.from('RIFF\0\0\0\0WEBP', 'latin1')],
  ])('refuses %s', async (_, file) => {
    expect(await refusal(file)).toBe('avatars.broken_picture');
  });

  it.each(KINDS)('refuses a %s that ends too early', async (kind) => {
    const whole = await aNoisyPicture(kind);
    for (const share of [0.1, 0.5, 0.9, 0.99]) {
      expect(await refusal(whole.subarray(0, whole.length * share))).toBe('avatars.broken_picture');
    }
  });

  it('refuses a picture that would need a gigabyte by its header, before it decodes it', async () => {
    const bomb = aBlankPng(16_383, 16_383, { interlaced: true });
    expect(bomb.length).toBeLessThan(800_000);
    const [before, peakBefore] = [process.memoryUsage.rss(), process.resourceUsage().maxRSS * 1024];
    expect(await refusal(bomb)).toBe('avatars.too_many_pixels');
    expect(process.memoryUsage.rss() - before).toBeLessThan(50 * MB);
    expect(process.resourceUsage().maxRSS * 1024 - peakBefore).toBeLessThan(50 * MB);
  });

  it('refuses many pixels at once sooner than the same row by row, and thin strips', async () => {
    expect(await refusal(aBlankPng(11_000, 11_000, { interlaced: true }))).toBe('avatars.too_many_pixels');
    expect(await refusal(aBlankPng(10_000, 99))).toBe('avatars.too_many_pixels');
    await maker.make(aBlankPng(7_000, 7_000));
    await maker.make(aBlankPng(1, 1));
    await maker.make(aBlankPng(100, 1));
  });

  it('decodes few at a time, keeps few waiting, and refuses the rest', async () => {
    const file = await aNoisyPicture('jpeg', 400, 400);
    const settled = await Promise.allSettled(Array.from({ length: 60 }, () => maker.make(file)));
    const refused = settled.filter(({ status }) => status === 'rejected') as PromiseRejectedResult[];
    expect(refused.length).toBe(60 - 17);
    expect(new Set(refused.map(({ reason }) => (reason as { code: string }).code))).toEqual(
      new Set(['avatars.busy']),
    );
    await maker.make(file);
  });
});
