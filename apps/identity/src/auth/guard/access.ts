import { applyDecorators, SetMetadata } from '@nestjs/common';
import { ApiBearer, ApiOptionalBearer } from '../../http/docs/api-bearer.js';
import { ApiProblems } from '../../http/docs/api-problems.js';

/** Whom a route answers. Without a word it answers users alone: forgetting to decide locks a door, and opens none. */
export type Access = 'anyone' | 'anyone, known or not' | 'user' | 'admin' | 'admin or service';

export const ACCESS = 'usher:access';

/**
 * No token is asked for, and one that is sent is not looked at: who logs in because their token has expired may well
 * send it along, and whether the process turns has nothing to do with whose probe asks.
 */
export function Public(): MethodDecorator & ClassDecorator {
  return SetMetadata<string, Access>(ACCESS, 'anyone');
}

/** No token is asked for; one that is sent is checked, and tells who asks. */
export function PublicOrKnown(): MethodDecorator & ClassDecorator {
  return applyDecorators(SetMetadata<string, Access>(ACCESS, 'anyone, known or not'), ApiOptionalBearer());
}

export function UsersOnly(): MethodDecorator & ClassDecorator {
  return applyDecorators(SetMetadata<string, Access>(ACCESS, 'user'), ApiBearer());
}

export function AdminsOnly(): MethodDecorator & ClassDecorator {
  return applyDecorators(
    SetMetadata<string, Access>(ACCESS, 'admin'),
    ApiBearer(),
    ApiProblems('auth.forbidden'),
  );
}

export function AdminsAndServicesOnly(): MethodDecorator & ClassDecorator {
  return applyDecorators(
    SetMetadata<string, Access>(ACCESS, 'admin or service'),
    ApiBearer(),
    ApiProblems('auth.forbidden'),
  );
}
