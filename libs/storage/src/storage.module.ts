import { type DynamicModule, Module } from '@nestjs/common';
import { AvatarFiles } from './avatar-files.js';
import { DiskStore } from './disk-store.js';
import { ObjectStore } from './object-store.js';

export interface StorageOptions {
  /** Absolute. */
  directory: string;
}

/** `ObjectStore` and `AvatarFiles` for the whole application. Another kind of store is one more class, chosen here. */
@Module({})
export class StorageModule {
  static forRoot({ directory }: StorageOptions): DynamicModule {
    return {
      module: StorageModule,
      global: true,
      providers: [
        { provide: ObjectStore, useFactory: () => new DiskStore(directory) },
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
