import { crc32, deflateSync } from 'node:zlib';

/** Where Adam7's seven passes begin, and their steps (PNG specification, section 8.2). */
// prettier-ignore
const ADAM7 = [[0, 0, 8, 8], [4, 0, 8, 8], [0, 4, 4, 8], [2, 0, 4, 4], [0, 2, 2, 4], [1, 0, 2, 2], [0, 1, 1, 2]] as const;

/** What a header calls pixels of so many channels. */
const COLOUR_TYPES = { 1: 0, 3: 2, 4: 6 } as const;

interface Kind {
  interlaced?: boolean;
  channels?: keyof typeof COLOUR_TYPES;
  /** Bits of a channel. */
  depth?: 8 | 16;
  /** Between the header and the pixels. */
  chunks?: Buffer[];
}

/** A black PNG, grey-scale if not said otherwise, which deflate shrinks a thousandfold: few bytes, many pixels. */
export function aBlankPng(
  width: number,
  height: number,
  { interlaced = false, channels = 1, depth = 8, chunks = [] }: Kind = {},
): Buffer {
  const header = Buffer.alloc(13);
  header.writeUInt32BE(width, 0);
  header.writeUInt32BE(height, 4);
  header[8] = depth;
  header[9] = COLOUR_TYPES[channels];
  header[12] = interlaced ? 1 : 0;
  const passes = interlaced ? ADAM7 : ([[0, 0, 1, 1]] as const);
  const bytes = passes.reduce((sum, [x, y, dx, dy]) => {
    const [columns, rows] = [Math.ceil((width - x) / dx), Math.ceil((height - y) / dy)];
    return sum + (columns > 0 && rows > 0 ? rows * (1 + (columns * channels * depth) / 8) : 0);
  }, 0);
  return Buffer.concat([
    Buffer.from('\x89PNG\r\n\x1a\n', 'latin1'),
    aChunk('IHDR', header),
    ...chunks,
    aChunk('IDAT', deflateSync(Buffer.alloc(bytes))),
    aChunk('IEND', Buffer.alloc(0)),
  ]);
}

export function aChunk(type: string, data: Buffer): Buffer {
  const typed = Buffer.concat([Buffer.from(type, 'latin1'), data]);
  return Buffer.concat([uint32(data.length), typed, uint32(crc32(typed))]);
}

function uint32(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(value);
  return bytes;
}
