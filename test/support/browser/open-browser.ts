import { type Browser, chromium } from 'playwright-core';
import { ensureChromium } from './ensure-chromium.js';

/** A real browser without a window, with a profile of its own. It ends with this process, however that ends. */
export async function openBrowser(): Promise<Browser> {
  return chromium.launch({
    executablePath: await ensureChromium(),
    // Chromium's sandbox does not start as root. These pages are ours, on loopback.
    chromiumSandbox: process.getuid?.() !== 0,
    args: ['--disable-gpu', '--disable-quic', '--disable-sync'],
  });
}
