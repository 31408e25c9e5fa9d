import { Module } from '@nestjs/common';
import { HttpAdapterHost } from '@nestjs/core';
import { type FastifyInstance } from 'fastify';
import { AvatarSweep } from './avatar-sweep.js';
import { AvatarsController } from './avatars.controller.js';
import { AvatarsService } from './avatars.service.js';
import { AvatarProcessor } from './picture/avatar-processor.js';
import { acceptMultipart, Uploads } from './upload/uploads.js';

/** Pictures of users: received, made, kept and served. */
@Module({
  controllers: [AvatarsController],
  providers: [AvatarsService, AvatarSweep, AvatarProcessor, Uploads],
})
export class AvatarsModule {
  constructor({ httpAdapter }: HttpAdapterHost) {
    // In the constructor, because routes are made before any module's `onModuleInit`. A script has no HTTP.
    const fastify = httpAdapter?.getInstance<FastifyInstance>();
    if (fastify) acceptMultipart(fastify);
  }
}
