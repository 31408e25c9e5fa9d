import { describe, expect, it } from '@jest/globals';
import { webOrigins } from './web.js';

describe('webOrigins', () => {
  it.each([
    ['none', []],
    ['local', ['http://localhost:*', 'http://127.0.0.1:*']],
    ['https://a.example, local', ['https://a.example', 'http://localhost:*', 'http://127.0.0.1:*']],
    ['https://app.example.com', ['https://app.example.com']],
    [
      'https://APP.example.com:443/, http://localhost:5173',
      ['https://app.example.com', 'http://localhost:5173'],
    ],
    ['http://localhost:*,http://[::1]:*', ['http://localhost:*', 'http://[::1]:*']],
    ['https://a.example,https://a.example', ['https://a.example']],
    ['https://bücher.example', ['https://xn--bcher-kva.example']],
  ])('webOrigins reads %s in the form that browsers send', (text, origins) => {
    expect(webOrigins.parse(text)).toEqual(origins);
  });

  it.each([
    '*',
    'null',
    'app.example.com',
    'https://*.example.com',
    'https://app.example.com/account',
    'https://user:secret@app.example.com',
    'https://app.example.com,',
    'http://localhost:3000:*',
    'file:///',
    'ws://localhost:*',
    Array.from({ length: 101 }, (_, i) => `https://app${i}.example`).join(),
  ])('webOrigins refuses %s', (text) => {
    expect(() => webOrigins.parse(text)).toThrow();
  });
});
