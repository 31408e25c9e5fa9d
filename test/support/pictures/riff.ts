/** A file of the Resource Interchange File Format, as WebP is one. */
export function aRiff(form: string, ...chunks: Buffer[]): Buffer {
  return aRiffChunk('RIFF', Buffer.concat([Buffer.from(form, 'latin1'), ...chunks]));
}

export function aRiffChunk(type: string, data: Buffer): Buffer {
  const head = Buffer.from(`${type}    `, 'latin1');
  head.writeUInt32LE(data.length, 4);
  return Buffer.concat([head, data, Buffer.alloc(data.length % 2)]);
}

/** A frame of an animation, at its upper left, from a picture of a single chunk. */
export function aWebpFrame(picture: Buffer, width: number, height: number): Buffer {
  const head = Buffer.alloc(16);
  head.writeUIntLE(width - 1, 6, 3);
  head.writeUIntLE(height - 1, 9, 3);
  head.writeUIntLE(100, 12, 3); // milliseconds
  return aRiffChunk('ANMF', Buffer.concat([head, picture.subarray(12)]));
}
