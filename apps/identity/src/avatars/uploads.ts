import { Injectable } from '@nestjs/common';
import { type FastifyInstance, type FastifyReply, type FastifyRequest } from 'fastify';
import { InvalidInput } from '#http';
import { AvatarsBusy, AvatarTooLarge } from './avatar-errors.js';
import { discardRest, receiveBody } from './receive-body.js';
import { MemoryBudget, type MemoryShare } from './memory-budget.js';
import { MAX_BODY_BYTES, MAX_FILE_BYTES, MultipartParser } from './multipart-parser.js';

export const MULTIPART = 'multipart/form-data';
const FIELD = 'file';
const MAX_HELD_BYTES = 64 * 1024 * 1024;

/** Passes multipart bodies to the handler unread. Routes that do not accept them have refused the type before. */
export function acceptMultipart(fastify: FastifyInstance): void {
  fastify.addContentTypeParser(MULTIPART, (_request, _body, done) => done(null));
}

/** Receives files by multipart/form-data in memory: an aborted upload leaves no file and no descriptor behind. */
@Injectable()
export class Uploads {
  readonly memory = new MemoryBudget(MAX_HELD_BYTES);
  private readonly senders = new Set<string>();

  /**
   * Passes the one file of a request to `use`, and frees its memory afterwards.
   *
   * @param sender may have one upload in progress in this instance, so that one user cannot use up the memory of all
   * @throws InvalidMultipart, InvalidInput without a file, DuplicateField with two, AvatarTooLarge, AvatarsBusy,
   *   ClientGone, DeadlinePassed, and what `use` throws
   */
  async receive<T>(
    { request, reply }: { request: FastifyRequest; reply: FastifyReply },
    sender: string,
    use: (file: Buffer) => Promise<T>,
  ): Promise<T> {
    if (this.senders.has(sender)) {
      discardRest(request.raw);
      throw new AvatarsBusy();
    }
    const share = this.memory.open();
    this.senders.add(sender);
    try {
      return await use(await receiveFile(request, reply, share));
    } finally {
      this.senders.delete(sender);
      share.giveBack();
    }
  }
}

async function receiveFile(
  { raw, headers }: FastifyRequest,
  reply: FastifyReply,
  share: MemoryShare,
): Promise<Buffer> {
  try {
    if (Number(headers['content-length']) > MAX_BODY_BYTES) throw new AvatarTooLarge(MAX_FILE_BYTES);
    const parser = new MultipartParser(headers, FIELD);
    let received = 0;
    await receiveBody(raw, reply.raw, (chunk) => {
      received += chunk.length;
      if (received > MAX_BODY_BYTES) throw new AvatarTooLarge(MAX_FILE_BYTES);
      share.grow(chunk.length);
      parser.write(chunk);
    });
    const file = await parser.end();
    if (file) return file;
  } catch (error) {
    discardRest(raw);
    throw error;
  }
  throw new InvalidInput([
    { loc: ['body', FIELD], msg: 'File required, as a part with a filename', type: 'missing' },
  ]);
}
