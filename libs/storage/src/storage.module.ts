import { type DynamicModule, Module } from '@nestjs/common';
import { AvatarFiles } from './avatar-files.js';
import { ObjectStore } from './object-store.js';
import { openStore, type StorageOptions } from './open-store.js';

/** `ObjectStore` and `AvatarFiles` for the whole application. */
@Module({})
export class StorageModule {
  static forRoot(options: StorageOptions): DynamicModule {
    return {
      module: StorageModule,
      global: true,
      providers: [
        { provide: ObjectStore, useFactory: () => openStore(options) },
        {
          provide: AvatarFiles,
          inject: [ObjectStore],
          useFactory: (store: ObjectStore) => new AvatarFiles(store),
        },
      ],
      exports: [ObjectStore, AvatarFiles],
    };
  }
}
