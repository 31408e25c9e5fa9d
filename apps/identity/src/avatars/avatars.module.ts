import { Module } from '@nestjs/common';
import { HttpAdapterHost } from '@nestjs/core';
import { type FastifyInstance } from 'fastify';
import { AvatarSweep } from './avatar-sweep.js';
import { AvatarsController } from './avatars.controller.js';
import { AvatarsService } from './avatars.service.js';
import { AvatarProcessor } from './avatar-processor.js';
import { acceptMultipart, Uploads } from './uploads.js';

/** Avatars: receives, processes, stores and serves them. */
@Module({
  controllers: [AvatarsController],
  providers: [AvatarsService, AvatarSweep, AvatarProcessor, Uploads],
})
export class AvatarsModule {
  constructor({ httpAdapter }: HttpAdapterHost) {
    // In the constructor: routes are made before any module's `onModuleInit`. The CLI has no HTTP adapter.
    const fastify = httpAdapter?.getInstance<FastifyInstance>();
    if (fastify) acceptMultipart(fastify);
  }
}
