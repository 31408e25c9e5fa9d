import { describe, expect, it } from '@jest/globals';
import { MAX_BODY_BYTES, MultipartParser } from './multipart-parser.js';

const HEADERS = { 'content-type': 'multipart/form-data; boundary=x' };

describe('MultipartParser', () => {
  it('MultipartParser finds the file, fed byte by byte or at once', async () => {
    const body = Buffer.from(
      '--x\r\nContent-Disposition: form-data; name="caption"\r\n\r\nme\r\n' +
        '--x\r\nContent-Disposition: form-data; name="file"; filename="a"\r\n\r\nGIF89a\r\n--x--\r\n',
    );
    for (const size of [1, body.length]) {
      const parser = new MultipartParser(HEADERS, 'file');
      for (let at = 0; at < body.length; at += size) parser.write(body.subarray(at, at + size));
      expect((await parser.end())?.toString()).toBe('GIF89a');
    }
  });

  it('MultipartParser refuses a body that the library never finishes', async () => {
    const parser = new MultipartParser(HEADERS, 'file');
    // Beyond the limit of an upload: within it, the library finishes (see `busboyFor`).
    parser.write(Buffer.from(`--x\r\nX-Nothing: 1\r\n\r\n${'x'.repeat(2 * MAX_BODY_BYTES)}\r\n--x--\r\n`));
    await expect(parser.end()).rejects.toMatchObject({ code: 'request.invalid_multipart' });
  });
});
