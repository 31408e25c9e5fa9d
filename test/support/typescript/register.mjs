// node --import <this file> some-script.ts
// Runs the sources in a process of their own, outside jest and without a build.
import { register } from 'node:module';

register('./hooks.mjs', import.meta.url);
