import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { deflateSync } from 'node:zlib';
import sharp from 'sharp';
import { stripMetadata } from '../../apps/identity/src/avatars/metadata-stripping.js';
import { AvatarProcessor } from '../../apps/identity/src/avatars/avatar-processor.js';
import { aNoisyPicture, aPicture, KINDS } from '../support/pictures/a-picture.js';
import { aBlankPng, aChunk } from '../support/pictures/blank-png.js';
import { aRiff, aRiffChunk, aWebpFrame } from '../support/pictures/riff.js';

const MB = 1024 * 1024;

describe('AvatarProcessor', () => {
  const maker = new AvatarProcessor();

  async function refusal(file: Buffer | string): Promise<unknown> {
    const error: unknown = await maker.make(Buffer.from(file)).catch((fault: unknown) => fault);
    return (error as { code?: unknown }).code;
  }

  it.each(KINDS)('AvatarProcessor makes two WebP squares of a %s', async (kind) => {
    const made = await maker.make(await aPicture(kind));
    for (const size of [512, 128] as const) {
      const { format, width, height } = await sharp(made[size]).metadata();
      expect([format, width, height]).toEqual(['webp', size, size]);
    }
  });

  it('AvatarProcessor takes the first frame of an animation', async () => {
    const frames = await sharp([await aPicture('png', 64, 64), await aNoisyPicture('png', 64, 64)], {
      join: { animated: true },
    })
      .gif({ delay: [100, 100] })
      .toBuffer();
    expect((await sharp(frames).metadata()).pages).toBe(2);
    const { pages = 1, height } = await sharp((await maker.make(frames))[512]).metadata();
    expect([pages, height]).toEqual([1, 512]);
  });

  it('AvatarProcessor rotates by EXIF and strips all metadata', async () => {
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
  ])('AvatarProcessor refuses %s by its content', async (_, file) => {
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
  ])('AvatarProcessor refuses %s', async (_, file) => {
    expect(await refusal(file)).toBe('avatars.broken_picture');
  });

  it.each(KINDS)('AvatarProcessor refuses a truncated %s', async (kind) => {
    const whole = await aNoisyPicture(kind);
    for (const share of [0.1, 0.5, 0.9, 0.99]) {
      expect(await refusal(whole.subarray(0, whole.length * share))).toBe('avatars.broken_picture');
    }
  });

  /** Peak growth of the process in bytes; decoders leave the main thread free to measure. */
  async function growth(work: () => Promise<unknown>): Promise<number> {
    const before = process.memoryUsage.rss();
    let peak = before;
    const measure = (): void => void (peak = Math.max(peak, process.memoryUsage.rss()));
    const measuring = setInterval(measure, 2);
    await work().finally(() => clearInterval(measuring));
    measure();
    return peak - before;
  }

  it('AvatarProcessor refuses a picture of a gigabyte by its header, before decoding', async () => {
    const bomb = aBlankPng(16_383, 16_383, { interlaced: true });
    expect(bomb.length).toBeLessThan(800_000);
    const grown = await growth(async () => expect(await refusal(bomb)).toBe('avatars.too_many_pixels'));
    expect(grown).toBeLessThan(50 * MB);
  });

  it.each([
    ['zTXt', 'note\0\0'],
    ['iTXt', 'note\0\x01\0\0\0'],
    ['iCCP', 'note\0\0'],
  ])('AvatarProcessor does not inflate the %s chunk of a PNG', async (type, head) => {
    const inflated = type === 'iCCP' ? aProfile(28 * MB) : Buffer.alloc(28 * MB, 'A');
    const chunk = aChunk(type, Buffer.concat([Buffer.from(head, 'latin1'), deflateSync(inflated)]));
    const bomb = aBlankPng(64, 64, { channels: 3, chunks: Array.from({ length: 20 }, () => chunk) });
    expect(bomb.length).toBeLessThan(MB);
    expect(await growth(() => maker.make(bomb))).toBeLessThan(50 * MB);
  });

  it('AvatarProcessor keeps few of a million JPEG segments', async () => {
    const picture = await aPicture('jpeg');
    const segments = Buffer.alloc(2_400_000, Buffer.from('ffe10002', 'hex'));
    const bomb = [picture.subarray(0, 2), segments, picture.subarray(2, -2), segments, picture.subarray(-2)];
    expect(await growth(() => maker.make(Buffer.concat(bomb)))).toBeLessThan(50 * MB);
  });

  it('AvatarProcessor does not read all frames of an animated WebP', async () => {
    const frame = aWebpFrame(
      await sharp(await aPicture('png', 1, 2))
        .webp({ lossless: true })
        .toBuffer(),
      1,
      2,
    );
    const header = aRiffChunk('VP8X', Buffer.from('02000000000000010000', 'hex'));
    const frames = Buffer.alloc(80_000 * frame.length, frame);
    const bomb = aRiff('WEBP', header, aRiffChunk('ANIM', Buffer.alloc(6)), frames);
    expect(bomb.length).toBeLessThan(5 * MB);
    const startedAt = performance.now();
    await maker.make(bomb);
    expect(performance.now() - startedAt).toBeLessThan(2_000); // it was minutes
  });

  it('AvatarProcessor applies the colour profile of a PNG', async () => {
    const plain = sharp({ create: { width: 128, height: 128, channels: 3, background: '#c86428' } });
    const wide = await plain.png().withIccProfile('p3').toBuffer();
    expect(wide.includes('iCCP')).toBe(true);
    const colours = async (file: Buffer): Promise<number[]> => [
      ...(
        await sharp((await maker.make(file))[128])
          .raw()
          .toBuffer()
      ).subarray(0, 3),
    ];
    const [expected, made] = [await colours(await plain.png().toBuffer()), await colours(wide)];
    for (const [n, value] of made.entries()) expect(Math.abs(value - expected[n]!)).toBeLessThan(4);
  });

  it('metadata stripping leaves a minimal file unchanged', async () => {
    for (const kind of KINDS) {
      const file = kind === 'png' ? aBlankPng(64, 64) : await aNoisyPicture(kind);
      expect(stripMetadata(file, kind).equals(file)).toBe(true);
    }
  });

  it('metadata stripping is idempotent on mangled files', async () => {
    const chunks = [aChunk('tEXt', Buffer.from('a\0b')), aChunk('iCCP', Buffer.from('a\0\0'))];
    const files = [
      ['png', aBlankPng(9, 9, { chunks })],
      ['jpeg', await aPicture('jpeg', 9, 9)],
      ['webp', await aPicture('webp', 9, 9)],
    ] as const;
    const mangled = fc.record({
      file: fc.constantFrom(...files),
      at: fc.nat({ max: 700 }),
      removed: fc.nat({ max: 30 }),
      inserted: fc.oneof(
        fc.uint8Array({ maxLength: 20 }).map((bytes) => Buffer.from(bytes)),
        fc
          .constantFrom('', 'ff', 'ffff', 'ffff0000', 'ffffffff', '7fffffff', 'ffe1ffff')
          .map((hex) => Buffer.from(hex, 'hex')),
      ),
      end: fc.nat({ max: 700 }),
    });
    fc.assert(
      fc.property(mangled, ({ file: [kind, file], at, removed, inserted, end }) => {
        const from = Math.max(at, 12); // by which its kind is told
        const bad = Buffer.concat([
          file.subarray(0, from),
          inserted,
          file.subarray(from + removed, end || undefined),
        ]);
        const essence = stripMetadata(bad, kind);
        expect(essence.length).toBeLessThanOrEqual(bad.length);
        expect(stripMetadata(essence, kind).equals(essence)).toBe(true);
      }),
      { numRuns: 2_000, interruptAfterTimeLimit: 3_000 },
    );
  });

  it.each(['00000000', '00000fff', '7fffffff', 'ffffffff'])(
    'AvatarProcessor refuses a PNG with a text chunk of 0x%s bytes',
    async (length) => {
      const text = aChunk('tEXt', Buffer.from('note\0of some length'));
      text.write(length, 'hex');
      expect(await refusal(aBlankPng(64, 64, { chunks: [text] }))).toBe('avatars.broken_picture');
    },
  );

  it('AvatarProcessor allows fewer pixels to non-streaming formats, and refuses thin strips', async () => {
    expect(await refusal(aBlankPng(11_000, 11_000, { interlaced: true }))).toBe('avatars.too_many_pixels');
    expect(await refusal(aBlankPng(10_000, 99))).toBe('avatars.too_many_pixels');
    await maker.make(aBlankPng(7_000, 7_000));
    await maker.make(aBlankPng(1, 1));
    await maker.make(aBlankPng(100, 1));
  });

  it('AvatarProcessor computes the cost of a picture from kind, depth and channels', async () => {
    expect(await refusal(aBlankPng(5_100, 5_100, { channels: 4, depth: 16 }))).toBe(
      'avatars.too_many_pixels',
    );

    const lossless = await sharp(await aPicture())
      .webp({ lossless: true })
      .toBuffer();
    lossless.writeUInt32LE(((6_200 - 1) << 14) | (6_200 - 1), 21); // 14 bits each, behind the signature
    expect(await refusal(lossless)).toBe('avatars.too_many_pixels');

    const progressive = await sharp(await aPicture())
      .toColourspace('cmyk')
      .jpeg({ progressive: true })
      .toBuffer();
    const header = progressive.indexOf('ffc2', 'hex');
    progressive.writeUInt16BE(4_500, header + 5);
    progressive.writeUInt16BE(4_500, header + 7);
    expect(await refusal(progressive)).toBe('avatars.too_many_pixels');
  });

  it('AvatarProcessor skips a queued picture whose client has left', async () => {
    const first = maker.make(await aPicture());
    const asked: string[] = [];
    const second = maker.make(Buffer.from('GIF89a, and no more'), () => {
      asked.push('second');
      return false;
    });
    expect(asked).toEqual([]);
    await first;
    await expect(second).rejects.toMatchObject({ code: 'avatars.busy' });
    expect(asked).toEqual(['second']);
  });

  it('AvatarProcessor limits parallel and queued pictures, and refuses the rest', async () => {
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

/** A colour profile of many bytes that says nothing (ICC.1:2022, section 7.2). */
function aProfile(bytes: number): Buffer {
  const profile = Buffer.alloc(bytes);
  profile.writeUInt32BE(bytes);
  profile.writeUInt32BE(0x02_10_00_00, 8);
  for (const [at, text] of [
    [12, 'mntr'],
    [16, 'RGB '],
    [20, 'XYZ '],
    [36, 'acsp'],
  ] as const) {
    profile.write(text, at);
  }
  for (const [n, value] of [0xf6d6, 0x10000, 0xd32d].entries()) profile.writeUInt32BE(value, 68 + 4 * n); // D50
  return profile;
}
