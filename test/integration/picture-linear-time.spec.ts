import { expect, it } from '@jest/globals';
import { stripMetadata } from '../../apps/identity/src/avatars/metadata-stripping.js';
import { aChunk } from '../support/pictures/blank-png.js';
import { aRiff, aRiffChunk } from '../support/pictures/riff.js';
import { growthOf } from '../support/time/cpu-growth.js';

const PICTURES: [string, 'png' | 'jpeg' | 'webp', (bytes: number) => Buffer][] = [
  ['texts', 'png', (n) => png(n, aChunk('tEXt', Buffer.alloc(0)))],
  ['profiles', 'png', (n) => png(n, aChunk('iCCP', Buffer.alloc(2)))],
  ['chunks that it needs', 'png', (n) => png(n, aChunk('gAMA', Buffer.alloc(0)))],
  ['segments', 'jpeg', (n) => jpeg(n, Buffer.from([0xff, 0xe0, 0, 2]))],
  ['filling bytes', 'jpeg', (n) => jpeg(n, Buffer.from([0xff]))],
  ['escaped bytes', 'jpeg', (n) => jpeg(n, Buffer.from([0xff, 0]))],
  ['frames', 'webp', (n) => webp(n, 'ANMF')],
  ['unknown chunks', 'webp', (n) => webp(n, 'ABCD')],
];

it.each(PICTURES)('metadata stripping takes linear time for %s of a %s', async (_what, kind, make) => {
  const prepare = (size: number) => {
    const file = make(size);
    return () => stripMetadata(file, kind);
  };
  expect(await growthOf(prepare, 800_000)).toMatchObject({ isLinear: true });
});

function png(bytes: number, chunk: Buffer): Buffer {
  return Buffer.concat([Buffer.from('\x89PNG\r\n\x1a\n', 'latin1'), many(chunk, bytes)]);
}

function jpeg(bytes: number, segment: Buffer): Buffer {
  return Buffer.concat([Buffer.from([0xff, 0xd8]), many(segment, bytes)]);
}

function webp(bytes: number, type: string): Buffer {
  return aRiff('WEBP', many(aRiffChunk(type, Buffer.alloc(0)), bytes));
}

function many(part: Buffer, bytes: number): Buffer {
  return Buffer.alloc(Math.floor(bytes / part.length) * part.length, part);
}
