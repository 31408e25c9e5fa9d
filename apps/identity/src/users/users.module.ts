import { Module } from '@nestjs/common';
import { UserSessionsController } from './user-sessions.controller.js';
import { UserSessionsService } from './user-sessions.service.js';
import { UsersController } from './users.controller.js';
import { UsersService } from './users.service.js';

/** Profiles, look-ups and administration. */
@Module({
  controllers: [UsersController, UserSessionsController],
  providers: [UsersService, UserSessionsService],
})
export class UsersModule {}
