import { expect } from '@jest/globals';
import { createHash } from 'node:crypto';
import path from 'node:path';
import { Random } from '../random/random.js';

/** Makes `Math.random` follow the seed of the run, with a sequence of its own for each spec. */
const root = path.resolve(import.meta.dirname, '../../..');
const spec = path.relative(root, expect.getState().testPath!);
const digest = createHash('sha256').update(`${process.env.USHER_TEST_SEED} ${spec}`).digest();
const random = new Random(digest.readInt32LE());
Math.random = () => random.next();
