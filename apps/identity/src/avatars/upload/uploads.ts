import { type MultipartFile } from '@fastify/multipart';
import { Injectable } from '@nestjs/common';
import { type FastifyRequest } from 'fastify';
import { InvalidInput } from '../../http/input/invalid-input.js';
import { Fault } from '../../http/problems/fault.js';
import { DuplicateField } from '../../http/problems/request-faults.js';
import { AvatarsBusy, AvatarTooLarge } from '../avatar-faults.js';
import { discardRest } from './discard-rest.js';
import { InvalidMultipart } from './invalid-multipart.js';
import { MemoryBudget, type MemoryShare } from './memory-budget.js';

export const FIELD = 'file';
export const MAX_FILE_BYTES = 5 * 1024 * 1024;
/** For boundaries, headers of parts, and fields that nobody asked for. */
const MAX_OTHER_BYTES = 64 * 1024;
const MAX_HELD_BYTES = 64 * 1024 * 1024;

const LIMITS = {
  files: 1,
  fields: 16,
  parts: 17,
  fieldNameSize: 100,
  fieldSize: 1024,
  headerPairs: 16,
  // One more than is taken, so that `collect` sees it and the parser has nothing to cut.
  fileSize: MAX_FILE_BYTES + 1,
};

/** Receives files by multipart/form-data (RFC 7578) in memory: what breaks off leaves neither file nor descriptor. */
@Injectable()
export class Uploads {
  readonly memory = new MemoryBudget(MAX_HELD_BYTES);
  private readonly senders = new Set<string>();

  /**
   * The one file of a request, held no longer than `use` takes. Fields beside it are passed over.
   *
   * @param sender who may have one upload under way in this instance, so that nobody takes the room of all
   * @throws InvalidMultipart, InvalidInput without a file, DuplicateField with two, AvatarTooLarge, AvatarsBusy, and
   *   what `use` throws
   */
  async receive<T>(request: FastifyRequest, sender: string, use: (file: Buffer) => Promise<T>): Promise<T> {
    if (this.senders.has(sender)) {
      discardRest(request.raw);
      throw new AvatarsBusy();
    }
    const share = this.memory.open();
    this.senders.add(sender);
    try {
      return await use(await receiveFile(request, share));
    } finally {
      this.senders.delete(sender);
      share.giveBack();
    }
  }
}

async function receiveFile(request: FastifyRequest, share: MemoryShare): Promise<Buffer> {
  try {
    if (Number(request.headers['content-length']) > MAX_FILE_BYTES + MAX_OTHER_BYTES) {
      throw new AvatarTooLarge(MAX_FILE_BYTES);
    }
    return await theFile(request, share);
  } catch (error) {
    discardRest(request.raw);
    throw asFault(error);
  }
}

async function theFile(request: FastifyRequest, share: MemoryShare): Promise<Buffer> {
  let file: Buffer | undefined;
  for await (const part of request.parts({ limits: LIMITS })) {
    if (part.type !== 'file') continue;
    const content = await collect(part, share);
    if (part.fieldname === FIELD) file = content;
  }
  if (!file) {
    throw new InvalidInput([
      { loc: ['body', FIELD], msg: 'File required, as a part with a filename', type: 'missing' },
    ]);
  }
  return file;
}

async function collect({ file }: MultipartFile, share: MemoryShare): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of file as AsyncIterable<Buffer>) {
    size += chunk.length;
    if (size > MAX_FILE_BYTES) throw new AvatarTooLarge(MAX_FILE_BYTES);
    share.grow(chunk.length);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks, size);
}

/** Whatever the parser stumbles over was sent so. */
function asFault(error: unknown): Fault {
  if (error instanceof Fault) return error;
  const { code } = error as { code?: unknown };
  return code === 'FST_FILES_LIMIT' ? new DuplicateField(['body', FIELD]) : new InvalidMultipart(error);
}
